// The table of everything that can go wrong for a person: a stable code, the exit code it gives and what to do next.

/**
 * 0 ok · 1 internal · 2 usage · 3 failed and rolled back · 4 failed, fleet mixed · 5 refused · 7 wait timed out
 * · 130 detached. Of a simulation, 1 is worse than expected, 3 impossible, 4 without anything to compare with.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 7 | 130;

interface ErrorEntry {
  readonly exitCode: ExitCode;
  /** HTTP status when the coordinator answers with this code. */
  readonly httpStatus: number;
  /** What the person should do next, one sentence. */
  readonly next: string;
}

export const ERRORS = {
  // What was asked for makes no sense as written.
  usage: entry(2, 400, "Run the command with --help to see what it takes."),
  "request-invalid": entry(2, 400, "Use a fleet command line of the same version as the coordinator."),
  "file-missing": entry(2, 400, "Check the path and that you may read it."),
  "archive-corrupt": entry(
    2,
    400,
    "Build the artifact again; the compressed stream or the archive is damaged.",
  ),
  "archive-not-tar": entry(2, 400, "Give a .tar, .tar.gz or .tar.zst file, or a directory."),
  "archive-unsafe": entry(
    2,
    400,
    "Build the artifact with only files, directories and symlinks that stay inside it.",
  ),
  "archive-too-large": entry(2, 400, "Split the artifact; the limits are listed in docs/PROTOCOL.md."),
  "config-invalid": entry(2, 400, "Correct the file; its schema is docs/schema/fleet.schema.json."),
  "strategy-invalid": entry(2, 400, "Give a number of nodes such as 3, or a share such as 10%."),
  "version-invalid": entry(2, 400, "Use letters, digits, '.', '_', '+' and '-' only."),
  "release-unknown": entry(
    2,
    404,
    "Run `fleet releases` to see what is published, or `fleet publish` it first.",
  ),
  "node-unknown": entry(2, 404, "Run `fleet nodes` to see the nodes that have joined."),
  "rollout-unknown": entry(2, 404, "Run `fleet status` to see the rollouts."),
  "no-nodes": entry(2, 409, "Start `fleet peer` on at least one node, then `fleet nodes` shows it."),
  "no-previous": entry(2, 409, "Name the version to go back to: `fleet rollback VERSION`."),
  "key-missing": entry(2, 400, "Run `fleet key create` once on this machine."),
  "not-found": entry(2, 404, "Check the address; docs/PROTOCOL.md lists what the coordinator serves."),

  // Understood, and refused.
  "token-missing": entry(
    5,
    401,
    "Set FLEET_TOKEN or --token-file to a token from `fleet token create operator`.",
  ),
  "token-wrong": entry(5, 401, "Check the token, or make a new one with `fleet token create`."),
  "token-expired": entry(5, 401, "Make a new token with `fleet token create`."),
  "token-revoked": entry(5, 401, "Make a new token with `fleet token create`."),
  "permission-denied": entry(
    5,
    403,
    "Use a token of the right kind: `operator` for commands, `node` for peers.",
  ),
  "release-conflict": entry(5, 409, "Versions never change: publish under a new version."),
  "manifest-invalid": entry(5, 400, "Publish the release again with `fleet publish`."),
  "manifest-altered": entry(
    5,
    400,
    "The signature does not fit the manifest: publish it again from a trusted machine.",
  ),
  "manifest-untrusted": entry(
    5,
    400,
    "Trust the publisher on the nodes with `fleet peer --trust PUBLICKEY`, or sign with a trusted key.",
  ),
  "artifact-mismatch": entry(5, 400, "Publish again; the bytes that arrived are not those that were signed."),
  "artifact-missing": entry(5, 409, "Publish the release again; its artifact is not on the coordinator."),
  "coordinator-unreachable": entry(
    5,
    503,
    "Check FLEET_URL or --url, and that `fleet coordinator` runs there.",
  ),
  "port-in-use": entry(
    5,
    500,
    "Stop the program that has the port, or choose another with --listen or --swarm-listen.",
  ),
  "listen-failed": entry(5, 500, "Give an address of this machine to --listen."),
  "schema-newer": entry(5, 500, "Run the fleet version that wrote this folder, or a newer one."),
  "data-locked": entry(5, 500, "Stop the other process that uses this folder, or give another folder."),
  "data-corrupt": entry(5, 500, "Restore the folder from a backup."),
  "disk-full": entry(5, 507, "Free disk space, then try again."),
  "storage-failed": entry(5, 500, "Check the folder's permissions and the disk under it, then start again."),
  "rollout-active": entry(5, 409, "Wait for it, or watch it with `fleet status`."),
  "not-pausable": entry(5, 409, "Run `fleet status` to see what runs."),
  "order-stale": entry(5, 409, "A newer order was seen; nothing to do."),
  "key-exists": entry(5, 409, "Keep it, or move the file away first."),
  "protocol-version": entry(5, 400, "Run the same fleet version on both sides."),
  "protocol-error": entry(5, 400, "Run the same fleet version on both sides."),
  overloaded: entry(5, 503, "Wait a moment, then try again."),

  // Work that was started and did not end well.
  "stage-failed": entry(3, 500, "See the nodes' messages; nothing was activated."),
  "rollout-failed": entry(3, 500, "See the nodes' messages; the fleet is back on the previous release."),
  "fleet-mixed": entry(
    4,
    500,
    "Run `fleet nodes` to see which node runs what, then release or roll back again.",
  ),
  "hook-failed": entry(3, 500, "See the last lines of the hook's output."),
  "hook-timeout": entry(3, 500, "Raise the hook's timeout, or make it finish sooner."),
  "health-timeout": entry(
    3,
    500,
    "See the last probe's result; raise --health-timeout if the service starts slowly.",
  ),
  "install-failed": entry(3, 500, "See the message; the node's disk or permissions stopped it."),
  "download-stalled": entry(3, 500, "Check the links between the node, its neighbours and the coordinator."),
  "node-lost": entry(3, 500, "Check the machine; it was silent after an activation order."),
  "node-offline": entry(3, 500, "Check the machine and its connection to the coordinator."),
  "rollback-failed": entry(4, 500, "Look at this node now: it runs neither release in a healthy way."),
  "wait-timeout": entry(7, 504, "The work goes on; look again with `fleet status`."),
  detached: entry(130, 500, "The rollout goes on; follow it again with `fleet status --follow`."),
  // What a simulation came to.
  "simulation-too-large": entry(2, 400, "Simulate fewer nodes or pieces, or use a machine with more memory."),
  "simulation-missed": entry(
    1,
    500,
    "See the rows that moved; if they should, run `fleet sim check` with --update and commit the baseline.",
  ),
  "simulation-impossible": entry(
    3,
    500,
    "This is a fault in fleet: please report it with the scenario and the seed.",
  ),
  "baseline-unusable": entry(
    4,
    500,
    "Run the same command with --update, look at the difference, and commit the file.",
  ),
  interrupted: entry(130, 500, "Run the command again; what had been uploaded whole is not sent twice."),
  internal: entry(1, 500, "This is a fault in fleet: please report it with the message and the log."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERRORS, value);
}

/** An operational failure, told to a person: what happened, why, and what to do next. */
export class FleetError extends Error {
  override readonly name = "FleetError";
  readonly code: ErrorCode;
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; next?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next ?? ERRORS[code].next;
  }

  get exitCode(): ExitCode {
    return ERRORS[this.code].exitCode;
  }
}

function entry<const E extends ExitCode>(exitCode: E, httpStatus: number, next: string) {
  return { exitCode, httpStatus, next };
}
