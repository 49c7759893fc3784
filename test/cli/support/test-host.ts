// A host for running `fleet` inside a test: captured streams, chosen environment, signals by hand.
import type { Host, Screen, StopSignal } from "../../../cli/host.ts";
import { runFleet } from "../../../cli/program.ts";

export interface TestHostOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly now?: () => number;
}

export class TestHost implements Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDirectory: string;
  readonly hostName = "test-host";
  readonly selfCommand = ["fleet"];
  readonly stdout: Screen & { text: string };
  readonly stderr: Screen & { text: string };
  readonly exitCodes: number[] = [];
  readonly #options: TestHostOptions;
  readonly #stopListeners = new Set<(signal: StopSignal) => void>();
  readonly #exitListeners = new Set<() => void>();
  #onWrite: (() => void) | null = null;

  constructor(options: TestHostOptions = {}) {
    this.#options = options;
    this.cwd = options.cwd ?? "/nonexistent";
    this.homeDirectory = this.cwd;
    this.env = { TERM: "xterm-256color", LANG: "C.UTF-8", ...options.env };
    this.stdout = this.#screen();
    this.stderr = this.#screen();
  }

  now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  onStopSignal(listener: (signal: StopSignal) => void): () => void {
    this.#stopListeners.add(listener);
    return () => void this.#stopListeners.delete(listener);
  }

  onExit(listener: () => void): () => void {
    this.#exitListeners.add(listener);
    return () => void this.#exitListeners.delete(listener);
  }

  exit(code: number): void {
    this.exitCodes.push(code);
  }

  signal(signal: StopSignal): void {
    for (const listener of [...this.#stopListeners]) listener(signal);
  }

  get openListeners(): number {
    return this.#stopListeners.size + this.#exitListeners.size;
  }

  /** Resolves when what has been printed so far contains `text`. */
  async printed(text: string): Promise<void> {
    while (!(this.stdout.text + this.stderr.text).includes(text))
      await new Promise<void>((resolve) => {
        this.#onWrite = resolve;
      });
  }

  get jsonLines(): readonly Record<string, unknown>[] {
    const lines = this.stdout.text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get lastJson(): Record<string, unknown> {
    return this.jsonLines.at(-1) ?? {};
  }

  #screen(): Screen & { text: string } {
    const { isTTY = false, columns, rows } = this.#options;
    const screen = {
      text: "",
      isTTY,
      ...(columns === undefined ? {} : { columns }),
      ...(rows === undefined ? {} : { rows }),
      write: (text: string) => {
        screen.text += text;
        this.#onWrite?.();
        return true;
      },
    };
    return screen;
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly host: TestHost;
}

export async function fleet(args: readonly string[], options: TestHostOptions = {}): Promise<Ran> {
  const host = new TestHost(options);
  const code = await runFleet(args, host);
  return { code, stdout: host.stdout.text, stderr: host.stderr.text, host };
}
