// Asks every service of the demonstration over and over whether it is up, and remembers the worst moment.
import { get } from "node:http";

/** A service that has not answered within this time counts as down. */
const ANSWER_TIMEOUT_MS = 1_000;
const ROUND_INTERVAL_MS = 50;

export interface Availability {
  readonly rounds: number;
  /** Most services that were down in one round of questions. */
  readonly downMax: number;
}

/** Polls until `stop` is called, which gives the figures. */
export function watchAvailability(ports: readonly number[]): { stop(): Promise<Availability> } {
  let running = true;
  let rounds = 0;
  let downMax = 0;
  const polling = (async () => {
    while (running) {
      const versions = await askVersions(ports);
      rounds += 1;
      downMax = Math.max(downMax, versions.filter((version) => version === null).length);
      await new Promise((resolve) => setTimeout(resolve, ROUND_INTERVAL_MS));
    }
  })();
  return {
    async stop() {
      running = false;
      await polling;
      return { rounds, downMax };
    },
  };
}

/** The version each service answers with; null where none does. */
export function askVersions(ports: readonly number[]): Promise<readonly (string | null)[]> {
  return Promise.all(ports.map(askVersion));
}

function askVersion(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get(
      { host: "127.0.0.1", port, path: "/", timeout: ANSWER_TIMEOUT_MS, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve(versionIn(body)));
        response.on("error", () => resolve(null));
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(null));
  });
}

function versionIn(body: string): string | null {
  const answer: unknown = JSON.parse(body);
  if (typeof answer !== "object" || answer === null || !("version" in answer)) return null;
  return typeof answer.version === "string" ? answer.version : null;
}
