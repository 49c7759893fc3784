// Server-Sent Events, bytes to events (WHATWG HTML §9.2.6), with a cap on what one event may hold. Pure.

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** Last id the server gave; empty before the first. */
  readonly id: string;
}

export interface SseParser {
  /** The events that this piece of the stream completes. Throws RangeError when one is larger than allowed. */
  push(chunk: string): readonly ServerEvent[];
}

export function createSseParser(options: { readonly charsMax: number }): SseParser {
  // The unfinished last line, in pieces: joined once, so that a long line costs no more than its length.
  let rest: string[] = [];
  let restChars = 0;
  let event = "";
  let data: string[] = [];
  let dataChars = 0;
  let id = "";
  let skipLineFeed = false;

  const endEvent = (): readonly ServerEvent[] => {
    const complete =
      data.length === 0 ? [] : [{ event: event === "" ? "message" : event, data: data.join("\n"), id }];
    event = "";
    data = [];
    dataChars = 0;
    return complete;
  };

  const takeField = (line: string): void => {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "id" && !value.includes("\u0000")) id = value;
    else if (name === "data") {
      data.push(value);
      dataChars += value.length;
    }
  };

  return {
    push(chunk) {
      const source = skipLineFeed && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
      if (chunk !== "") skipLineFeed = chunk.endsWith("\r");
      const lines = source.split(/\r\n|\r|\n/);
      const last = lines.pop() ?? "";
      if (lines.length > 0) {
        lines[0] = rest.join("") + lines[0];
        rest = [];
        restChars = 0;
      }
      rest.push(last);
      restChars += last.length;
      const events = lines.flatMap((line) => {
        if (line === "") return endEvent();
        takeField(line);
        return [];
      });
      if (restChars + dataChars > options.charsMax)
        throw new RangeError(`a server-sent event of more than ${options.charsMax} characters`);
      return events;
    },
  };
}
