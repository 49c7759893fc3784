// Watching over connections that break.
// Watching a rollout through lost connections, against a made-up coordinator.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../../../cli/client.ts";
import type { WatchedItem } from "../../../cli/http/watch.ts";
import type { FleetError } from "../../../protocol/errors.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { event, rollout } from "../support/fixtures.ts";

describe("watching a rollout", () => {
  let fake: FakeCoordinator;
  beforeEach(async () => {
    fake = await FakeCoordinator.open();
  });
  afterEach(() => fake.close());

  const done = rollout({ phase: "succeeded" });
  const watch = async (options: { silenceMsMax?: number; signal?: AbortSignal } = {}) => {
    const items: string[] = [];
    for await (const item of createClient({ url: fake.url, token: fake.token }).watch(done.id, options))
      items.push(told(item));
    return items;
  };

  it("ends after the view of an ended rollout", async () => {
    fake.watches = [
      (stream) => {
        stream.history(event(1, "rollout-started"));
        stream.view(rollout());
        stream.history(event(2, "rollout-finished"));
        stream.view(done);
      },
    ];
    expect(await watch()).toEqual(["1", "staging", "2", "succeeded"]);
  });

  it("comes back after a lost connection, asks for what it missed and repeats nothing", async () => {
    const asked: number[] = [];
    fake.watches = [
      (stream, after) => {
        asked.push(after);
        stream.history(event(4, "rollout-started"));
        stream.cut();
      },
      (stream, after) => {
        asked.push(after);
        stream.history(event(4, "rollout-started"));
        stream.history(event(5, "node-staged"));
        stream.end();
      },
      (stream, after) => {
        asked.push(after);
        stream.view(done);
      },
    ];
    expect(await watch()).toEqual(["4", "down", "up", "5", "down", "up", "succeeded"]);
    expect(asked).toEqual([0, 4, 5]);
  });

  it("gives up on a coordinator that stays away, and says that the work goes on", async () => {
    fake.watches = [(stream) => stream.cut()];
    await expect(watch({ silenceMsMax: 300 })).rejects.toThrow(
      expect.objectContaining({ code: "wait-timeout", exitCode: 7 }) as FleetError,
    );
  });

  it("does not try again what is refused", async () => {
    fake.watches = [];
    await expect(watch()).rejects.toThrow(expect.objectContaining({ code: "rollout-unknown" }) as FleetError);
    expect(fake.asked).toHaveLength(1);
  });

  it("does not try again what makes no sense", async () => {
    fake.watches = [(stream) => stream.view({ ...done, phase: "dancing" as "succeeded" })];
    await expect(watch()).rejects.toThrow(expect.objectContaining({ code: "protocol-error" }) as FleetError);
  });

  it("stops at once when told to, also while it waits to try again", async () => {
    const controller = new AbortController();
    fake.watches = [
      (stream) => {
        stream.cut();
        setImmediate(() => controller.abort(new Error("enough")));
      },
    ];
    await expect(watch({ signal: controller.signal })).rejects.toThrow();
    expect(controller.signal.aborted).toBe(true);
  });
});

function told(item: WatchedItem): string {
  if (item.kind === "connection") return item.isUp ? "up" : "down";
  return item.kind === "rollout" ? item.rollout.phase : String(item.event.id);
}
