// The live block against a small model of a terminal.
// Drawing over what was drawn before, on a terminal made of a few lines of code.
import { describe, expect, it } from "vitest";
import { openLiveBlock } from "../../../cli/follow/screen.ts";
import { TestHost } from "../support/test-host.ts";

const ESC = "\u001b";

/** Enough of a terminal to see where text ends up: cursor up, clear to the end, wrapping lines. */
function show(output: string, width: number): readonly string[] {
  let rows: string[] = [""];
  let row = 0;
  let column = 0;
  for (const [, up, clearScreen, clearLine, newline, back, character] of output.matchAll(
    /\u001b\[(\d+)A|(\u001b\[J)|(\u001b\[K)|(\n)|(\r)|\u001b\[\?25[lh]|(.)/gs,
  )) {
    if (up !== undefined) row = Math.max(0, row - Number(up));
    else if (clearScreen !== undefined) {
      rows = rows.slice(0, row + 1);
      rows[row] = (rows[row] ?? "").slice(0, column);
    } else if (clearLine !== undefined) rows[row] = (rows[row] ?? "").slice(0, column);
    else if (back !== undefined) column = 0;
    else if (newline !== undefined) {
      row += 1;
      column = 0;
    } else if (character !== undefined) {
      if (column === width) {
        row += 1;
        column = 0;
      }
      const line = (rows[row] ?? "").padEnd(column);
      rows[row] = line.slice(0, column) + character + line.slice(column + 1);
      column += 1;
    }
    rows[row] ??= "";
  }
  return rows;
}

describe("the live block", () => {
  it("replaces what it drew before, longer or shorter, and leaves nothing behind", () => {
    const host = new TestHost({ isTTY: true, columns: 20, rows: 10 });
    host.stdout.write("$ fleet\n");
    const block = openLiveBlock(host, host.stdout);
    block.draw(["one", "two is long", "three"]);
    expect(show(host.stdout.text, 20)).toEqual(["$ fleet", "one", "two is long", "three", ""]);
    block.draw(["1", "2"]);
    expect(show(host.stdout.text, 20)).toEqual(["$ fleet", "1", "2", ""]);
    block.end();
    host.stdout.write("done\n");
    expect(show(host.stdout.text, 20)).toEqual(["$ fleet", "done", ""]);
  });

  it("finds its beginning again after the terminal became narrower", () => {
    const host = new TestHost({ isTTY: true, columns: 20, rows: 10 });
    host.stdout.write("$ fleet\n");
    const block = openLiveBlock(host, host.stdout);
    block.draw(["0123456789abc", "x"]);
    Object.assign(host.stdout, { columns: 10 });
    block.draw(["new"]);
    expect(show(host.stdout.text, 10)).toEqual(["$ fleet", "new", ""]);
  });

  it("hides the cursor and gives it back once, also when the process ends early", () => {
    const host = new TestHost({ isTTY: true });
    const block = openLiveBlock(host, host.stdout);
    expect(host.stdout.text).toBe(`${ESC}[?25l`);
    expect(host.openListeners).toBe(1);
    block.end();
    block.end();
    block.draw(["too late"]);
    expect(host.stdout.text.split(`${ESC}[?25h`)).toHaveLength(2);
    expect(host.stdout.text).not.toContain("too late");
    expect(host.openListeners).toBe(0);
  });

  it("lets no control sequence through", () => {
    const host = new TestHost({ isTTY: true });
    openLiveBlock(host, host.stdout).draw([`evil ${ESC}[2J`]);
    expect(host.stdout.text).not.toContain(`${ESC}[2J`);
  });
});
