// Caps on open sockets, in total and per address, whatever is spoken over them.
import type { Socket } from "node:net";
import type { ShellLimits } from "./limits.ts";

export class ConnectionGate {
  readonly #limits: ShellLimits;
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: ShellLimits) {
    this.#limits = limits;
  }

  /** Cuts the connection when there are too many. */
  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "unknown";
    const fromAddress = this.#perAddress.get(address) ?? 0;
    const { connectionsMax, connectionsPerAddressMax } = this.#limits;
    if (this.#total >= connectionsMax || fromAddress >= connectionsPerAddressMax) {
      socket.destroy();
      return;
    }
    this.#total += 1;
    this.#perAddress.set(address, fromAddress + 1);
    socket.once("close", () => this.#release(address));
  }

  #release(address: string): void {
    this.#total -= 1;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }
}
