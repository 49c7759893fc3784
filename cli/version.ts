// Which version of fleet this is. The bundler puts the number in; from the sources it is read from package.json.
import { readFileSync } from "node:fs";
import { decode, object, text } from "../protocol/schema.ts";

declare const __FLEET_VERSION__: string | undefined;

export const FLEET_VERSION: string =
  typeof __FLEET_VERSION__ === "string" ? __FLEET_VERSION__ : readPackageVersion();

function readPackageVersion(): string {
  const source = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return decode(object({ version: text({ min: 1, max: 64 }) }), JSON.parse(source), "package.json").version;
}
