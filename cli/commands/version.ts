// `fleet version`
import type { Command } from "commander";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { type GlobalFlags, type Run, withJson } from "../command.ts";
import { FLEET_VERSION } from "../version.ts";

export function registerVersion(program: Command, run: Run): void {
  withJson(program.command("version"))
    .summary("print the version")
    .description("Print the version of this program, of the protocol it speaks, and of Node.js under it.")
    .action((flags: GlobalFlags) =>
      run(flags, () => ({
        exitCode: 0,
        json: { version: FLEET_VERSION, protocol: PROTOCOL_VERSION, node: process.versions.node },
        text: () => [
          `fleet ${FLEET_VERSION} (protocol ${PROTOCOL_VERSION}, Node.js ${process.versions.node})`,
        ],
      })),
    );
}
