// A real peer ended with kill -9 in every step of an activation: after its restart the node runs the new release or
// the old one, and says so for the same order.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { ActivationStep } from "../../../protocol/messages.ts";
import { until } from "../processes.ts";
import { activateOrderOf, directoryOf, type Lab, publisher, stageOrderOf, startLab } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");
const v2 = testRelease("v2");
const PROGRAM = fileURLToPath(new URL("./peer-process.ts", import.meta.url));

async function startProcess(one: Lab): Promise<ChildProcess> {
  const hellos = one.coordinator.hellos.length;
  const trust = publisher.publicKey;
  const child = spawn(process.execPath, [PROGRAM, one.coordinator.url, one.folder, trust, "v1", "v2"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await until("hello", () => one.coordinator.hellos.length > hellos);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** v1 is live, v2 is staged and ordered, and the peer is killed when it says that it takes this step. */
async function killAt(step: ActivationStep, broken: boolean): Promise<Lab> {
  const one = await startLab();
  const child = await startProcess(one);
  one.coordinator.send(stageOrderOf(v1, 1));
  one.coordinator.send(stageOrderOf(v2, 2));
  await until("staged", () => one.coordinator.sent("staged").length === 2);
  one.coordinator.send(activateOrderOf(v1, 3));
  await one.coordinator.next("activated");
  if (broken) await writeFile(await one.shared("check-v2-fails"), "");
  const before = one.coordinator.messages.length;
  one.coordinator.send(activateOrderOf(v2, 4, broken ? 600 : 20_000));
  await until(step, () =>
    one.coordinator.messages.slice(before).some((said) => said.kind === "activating" && said.step === step),
  );
  await kill(child);
  await startProcess(one);
  return one;
}

async function endOf(one: Lab) {
  const ended = () => one.coordinator.sent("activated").filter((message) => message.generation === 4);
  await until("the order ends", () => ended().length > 0);
  const [first, ...more] = ended();
  for (const repeated of more) expect(repeated).toEqual(first);
  const running = await readFile(await one.shared("running"), "utf8");
  return { outcome: first?.outcome, running: running.trim() };
}

test.each<ActivationStep>(["stopping", "switching", "starting", "probing"])(
  "killed while %s, a good release ends live",
  async (step) => {
    const one = await killAt(step, false);
    expect(await endOf(one)).toEqual({ outcome: { kind: "healthy" }, running: "v2" });
    expect(await one.liveLink()).toBe(`versions/${directoryOf(v2)}`);
  },
);

test.each<ActivationStep>(["stopping", "switching", "starting", "probing", "restoring"])(
  "killed while %s, a release that is not healthy ends with the old one back",
  async (step) => {
    const one = await killAt(step, true);
    const { outcome, running } = await endOf(one);
    expect(outcome).toMatchObject({ kind: "failed", code: "health-timeout", restored: "done" });
    expect(running).toBe("v1");
    expect(await one.liveLink()).toBe(`versions/${directoryOf(v1)}`);
  },
);
