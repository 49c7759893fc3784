// What a peer holds its swarm to: its own configuration and the coordinator's last word, whichever is stricter.
import { describe, expect, test } from "vitest";
import { NO_RATES, type NodeRates } from "../../../protocol/rates.ts";
import { until } from "../processes.ts";
import { startLab } from "./fake-fleet.ts";

const rates = (upload: number | null, download: number | null): NodeRates => ({
  uploadBytesPerSecondMax: upload,
  downloadBytesPerSecondMax: download,
});

describe("a peer's limits", () => {
  test("are its own from the start, before any coordinator was reached", async () => {
    const one = await startLab();
    one.coordinator.answer = "silence";
    await one.start({ rates: rates(1_000, null) });
    expect(one.world.limits).toEqual([rates(1_000, null)]);
  });

  test("are the stricter ones of its own and the coordinator's, in each direction", async () => {
    const one = await startLab();
    await (await one.start({ rates: rates(1_000, 9_000) })).admitted;
    one.coordinator.send({ kind: "limits", ...rates(5_000, 2_000) });
    await until("told", () => one.world.limits.length === 2);
    expect(one.world.limits.at(-1)).toEqual(rates(1_000, 2_000));
    one.coordinator.send({ kind: "limits", ...NO_RATES });
    await until("told again", () => one.world.limits.length === 3);
    expect(one.world.limits.at(-1)).toEqual(rates(1_000, 9_000));
  });

  test("stay while the coordinator is away, until it says otherwise", async () => {
    const one = await startLab();
    await (await one.start()).admitted;
    one.coordinator.send({ kind: "limits", ...rates(null, 2_000) });
    await until("told", () => one.world.limits.length === 2);
    one.coordinator.disconnect();
    await until("back", () => one.coordinator.hellos.length === 2);
    expect(one.world.limits).toEqual([NO_RATES, rates(null, 2_000)]);
  });

  test("stay over a restart that finds the coordinator away", async () => {
    const one = await startLab();
    const peer = await one.start();
    await peer.admitted;
    one.coordinator.send({ kind: "limits", ...rates(null, 2_000) });
    await until("told", () => one.world.limits.length === 2);
    await peer.close();
    one.coordinator.answer = "silence";
    await one.start();
    expect(one.world.limits.slice(2)).toEqual([NO_RATES, rates(null, 2_000)]);
  });
});
