// A whole peer switches releases for a coordinator that speaks the real protocol, with real hooks and probes.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { until } from "../processes.ts";
import { activateOrderOf, deactivateOrderOf, directoryOf, stageOrderOf, startLab } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");
const v2 = testRelease("v2");

describe("orders for what is not here", () => {
  test("are answered, and leave nothing behind", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    expect(await one.activate(v1)).toMatchObject({
      live: null,
      outcome: { kind: "failed", code: "install-failed", restored: "none" },
    });
    one.coordinator.send(deactivateOrderOf(v1, 10_000));
    expect(await one.coordinator.next("activated", 1)).toMatchObject({ outcome: { kind: "healthy" } });
    expect(await readdir(join(one.folder, "state", "apps"))).toEqual([]);
  });

  test("are answered as damage when the live link is not ours", async () => {
    const one = await startLab(v1);
    await mkdir(join(one.folder, "root", "web", "live"), { recursive: true });
    await (await one.start()).admitted;
    expect(await one.activate(v1)).toMatchObject({ outcome: { kind: "failed", code: "data-corrupt" } });
    one.coordinator.send(stageOrderOf(v1, 40_000));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ code: "data-corrupt" });
  });
});

describe("activating", () => {
  test("stops the old, swings the link, starts the new and reports it healthy", async () => {
    const one = await startLab(v1, v2);
    await (await one.start()).admitted;
    await one.stage(v1);
    await one.stage(v2);
    expect(await one.activate(v1)).toMatchObject({ live: { version: "v1" }, outcome: { kind: "healthy" } });
    expect(await one.activate(v2)).toMatchObject({ live: { version: "v2" }, outcome: { kind: "healthy" } });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2"]);
    expect(await one.liveLink()).toBe(`versions/${directoryOf(v2)}`);
    const steps = one.coordinator.sent("activating").map((message) => message.step);
    expect(steps).toEqual([
      "switching",
      "starting",
      "probing",
      "stopping",
      "switching",
      "starting",
      "probing",
    ]);
  });

  test("puts the old release back when the new one does not become healthy, and says why", async () => {
    const one = await startLab(v1, v2);
    await (await one.start()).admitted;
    await one.stage(v1);
    await one.stage(v2);
    await one.activate(v1);
    await writeFile(await one.shared("check-v2-fails"), "");
    const ended = await one.activate(v2, 500);
    expect(ended.live).toMatchObject({ version: "v1" });
    expect(ended.outcome).toEqual({
      kind: "failed",
      code: "health-timeout",
      message: "not healthy within 0.5 s: ./service (exec probe of web v2) exited with 1",
      logTail: ["check-v2 does not work"],
      restored: "done",
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2", "stop v2", "start v1"]);
    expect(await one.liveLink()).toBe(`versions/${directoryOf(v1)}`);
  });

  test("a hook that fails is reported with its last lines", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    await one.stage(v1);
    await writeFile(await one.shared("start-v1-fails"), "");
    const ended = await one.activate(v1);
    expect(ended).toMatchObject({
      live: null,
      outcome: {
        kind: "failed",
        code: "hook-failed",
        message: "the postActivate hook of web v1 exited with 1",
        logTail: ["start-v1 does not work"],
        restored: "none",
      },
    });
    expect(existsSync(join(one.folder, "root", "web", "live"))).toBe(false);
  });

  test("an app can be taken off", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    await one.stage(v1);
    await one.activate(v1);
    one.coordinator.send(deactivateOrderOf(v1, 10_000));
    expect(await one.coordinator.next("activated", 1)).toMatchObject({
      live: null,
      outcome: { kind: "healthy" },
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1"]);
  });

  test("the same order again runs nothing and gets the same answer, an older one none", async () => {
    const one = await startLab(v1, v2);
    await (await one.start()).admitted;
    await one.stage(v1);
    await one.stage(v2);
    const first = await one.activate(v1);
    one.coordinator.send(activateOrderOf(v2, first.generation - 1));
    one.coordinator.send(activateOrderOf(v1, first.generation));
    expect(await one.coordinator.next("activated", 1)).toEqual(first);
    expect(one.coordinator.sent("activated")).toHaveLength(2);
    expect(await one.deeds()).toEqual(["start v1"]);
  });

  test("an outcome the coordinator missed is told after the next welcome, and stands in the hello", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    await one.stage(v1);
    const gate = await one.shared("start-v1-waits");
    await writeFile(gate, "");
    one.coordinator.send(activateOrderOf(v1, 20_000));
    await until("starting", async () => (await one.deeds()).length === 1);
    one.coordinator.answer = { refuse: "overloaded" };
    one.coordinator.disconnect();
    await rm(gate);
    const journal = join(one.folder, "state", "apps", "web.json");
    await until("decided", async () =>
      (await readFile(journal, "utf8")).includes('"outcome":{"kind":"healthy"}'),
    );
    one.coordinator.answer = "welcome";
    expect(await one.coordinator.next("activated")).toMatchObject({
      generation: 20_000,
      outcome: { kind: "healthy" },
    });
    const [state] = one.coordinator.hellos.at(-1)?.apps ?? [];
    expect(state).toMatchObject({
      live: { version: "v1" },
      lastOrder: { generation: 20_000, outcome: { kind: "healthy" } },
    });
  });

  test("a restart in mid-hook ends the old hook, runs the step again and reports the same order", async () => {
    const one = await startLab(v1, v2);
    const peer = await one.start();
    await peer.admitted;
    await one.stage(v1);
    await one.stage(v2);
    await one.activate(v1);
    const gate = await one.shared("start-v2-waits");
    await writeFile(gate, "");
    one.coordinator.send(activateOrderOf(v2, 30_000));
    await until("starting v2", async () => (await one.deeds()).includes("start v2"));
    const marker = join(one.folder, "state", "apps", "web.hook");
    await until("remembered", () => existsSync(marker));
    const { pid } = JSON.parse(await readFile(marker, "utf8")) as { pid: number };
    await peer.close();
    const again = await one.start();
    await again.admitted;
    await until("starting v2 again", async () => (await one.deeds()).length === 4);
    expect(existsSync(`/proc/${pid}/cwd`)).toBe(false);
    expect(one.coordinator.hellos.at(-1)?.apps[0]?.lastOrder).toEqual({ generation: 30_000, outcome: null });
    await rm(gate);
    expect(await one.coordinator.next("activated", one.coordinator.sent("activated").length)).toMatchObject({
      generation: 30_000,
      outcome: { kind: "healthy" },
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2", "start v2"]);
  });

  test("a step waits until the journal can be written, and nothing runs before", async () => {
    const one = await startLab(v1);
    const log = new PassThrough();
    await (await one.start({ logger: pino({}, log) })).admitted;
    await one.stage(v1);
    const journal = join(one.folder, "state", "apps", "web.json");
    await mkdir(join(journal, "in-the-way"), { recursive: true });
    one.coordinator.send(activateOrderOf(v1, 50_000));
    let text = "";
    await until("complained twice", () => {
      text += String(log.read() ?? "");
      return text.split("cannot write the journal").length > 2;
    });
    expect(await one.deeds()).toEqual([]);
    expect(existsSync(join(one.folder, "root", "web", "live"))).toBe(false);
    await rm(journal, { recursive: true });
    expect(await one.coordinator.next("activated")).toMatchObject({ outcome: { kind: "healthy" } });
    expect(await one.deeds()).toEqual(["start v1"]);
  });

  test("services go on when the peer stops", async () => {
    const one = await startLab(v1);
    const peer = await one.start();
    await peer.admitted;
    await one.stage(v1);
    await one.activate(v1);
    await peer.close();
    expect(await one.deeds()).toEqual(["start v1"]);
    expect(await one.liveLink()).toBe(`versions/${directoryOf(v1)}`);
    expect(one.world.swarmsClosed).toBe(1);
  });

  test("a damaged journal stops the start and is named", async () => {
    const one = await startLab(v1);
    const peer = await one.start();
    await peer.admitted;
    await one.stage(v1);
    await one.activate(v1);
    await peer.close();
    const path = join(one.folder, "state", "apps", "web.json");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, '{"format":1}');
    await expect(one.start()).rejects.toMatchObject({ code: "data-corrupt" });
    await expect(one.start()).rejects.toThrow(path);
  });
});
