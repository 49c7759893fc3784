// `ADDR:PORT` as people write it, IPv6 in brackets. Pure.
import { FleetError } from "../../protocol/errors.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const PORT_MAX = 65_535;

/** Reads `127.0.0.1:7700`, `[::1]:0`, `0.0.0.0:0`, `localhost:80`. Throws FleetError usage naming `option`. */
export function parseListenAddress(source: string, option: string): ListenAddress {
  const refuse = (why: string): FleetError =>
    new FleetError("usage", `${option} ${source}: ${why}`, {
      next: `Give ADDR:PORT, for example 127.0.0.1:7700, 0.0.0.0:7700 or [::1]:0.`,
    });
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(source);
  if (match === null) throw refuse(explain(source));
  const [, bracketed, plain, portText = ""] = match;
  const host = bracketed ?? plain ?? "";
  if (host === "") throw refuse("the address before the port is missing");
  if (bracketed !== undefined && !/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?$/.test(bracketed))
    throw refuse(`${bracketed} is not an IPv6 address`);
  if (bracketed === undefined && !/^[A-Za-z0-9._-]+$/.test(host))
    throw refuse(`${host} is neither an address nor a host name`);
  if (!/^[0-9]{1,5}$/.test(portText) || Number(portText) > PORT_MAX)
    throw refuse(`the port must be a number from 0 to ${PORT_MAX}`);
  return { host, port: Number(portText) };
}

function explain(source: string): string {
  if (!source.includes(":")) return "the port is missing";
  if (/^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:/.test(source)) return "an IPv6 address must stand in brackets";
  return "this is not an address and a port";
}
