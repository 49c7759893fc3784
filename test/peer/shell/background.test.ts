// Operations behind the caller's back: never too many, never one forgotten, the first failure told.
import { expect, test } from "vitest";
import { Background } from "../../../peer/shell/background.ts";

test("no more than the given number run at once, and all of them are waited for", async () => {
  const background = new Background(3);
  let running = 0;
  let runningMost = 0;
  let finished = 0;
  const operation = async () => {
    running += 1;
    runningMost = Math.max(runningMost, running);
    await new Promise(setImmediate);
    running -= 1;
    finished += 1;
  };
  for (let index = 0; index < 20; index += 1) await background.start(operation);
  await background.drain();
  expect({ runningMost, finished }).toEqual({ runningMost: 3, finished: 20 });
});

test("the first failure is thrown, by the next start and by the drain, once the others are done", async () => {
  const background = new Background(2);
  let finished = false;
  await background.start(async () => {
    await new Promise(setImmediate);
    throw new Error("first");
  });
  await background.start(async () => {
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    finished = true;
  });
  await expect(background.start(async () => {})).rejects.toThrow("first");
  await expect(background.drain()).rejects.toThrow("first");
  expect(finished).toBe(true);
  await expect(background.settle()).resolves.toBeUndefined();
});
