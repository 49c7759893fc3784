// `fleet limits`: what is shown, what is changed and what is left as it was.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_FLEET_LIMITS } from "../../../protocol/rates.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { STARTED_AT } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

let fake: FakeCoordinator;
beforeEach(async () => {
  fake = await FakeCoordinator.open();
});
afterEach(() => fake.close());

const run = (...args: string[]) =>
  fleet(args, { env: { ...fake.env, USER: "ada" }, now: () => STARTED_AT + 600_000 });

/** What was put last. */
function put(): unknown {
  return fake.asked.findLast(({ method }) => method === "PUT")?.body;
}

describe("fleet limits", () => {
  it("shows that there are none", async () => {
    const { code, stdout } = await run("limits");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "LIMIT                     AT MOST",
        "each node sends           -",
        "each node fetches         -",
        "all nodes together fetch  -",
        "",
      ].join("\n"),
    );
  });

  it("shows what is set, by whom, and what flows now", async () => {
    const limits = {
      ...NO_FLEET_LIMITS,
      nodeUploadBytesPerSecondMax: 25_000_000,
      fleetBytesPerSecondMax: 1_250_000_000,
      rampMs: 30_000,
    };
    fake.limits = {
      ...{ limits, setBy: "ada@laptop", setAt: STARTED_AT },
      ...{ nodesFetching: 12, allowedBytesPerSecond: 125_000_000 },
    };
    const { stdout, host } = await run("limits");
    expect(stdout.split("\n").slice(1)).toEqual([
      "each node sends           200 Mbit/s",
      "each node fetches         -",
      "all nodes together fetch  10 Gbit/s, reached 30s after GO",
      "now 1 Gbit/s for 12 nodes that fetch",
      "set by ada@laptop, 10 min ago",
      "",
    ]);
    expect(host.stderr.text).toBe("");
    expect((await run("limits", "--json")).host.lastJson).toEqual(fake.limits);
  });
});

describe("fleet limits set", () => {
  it("changes what is named and leaves the rest as it is", async () => {
    const before = { ...NO_FLEET_LIMITS, nodeUploadBytesPerSecondMax: 25_000_000, rampMs: 5_000 };
    fake.limits = { ...fake.limits, limits: before };
    const { code } = await run("limits", "set", "--fleet-rate", "10Gbit", "--node-upload-max", "none");
    expect(code).toBe(0);
    expect(put()).toEqual({
      limits: { ...NO_FLEET_LIMITS, fleetBytesPerSecondMax: 1_250_000_000, rampMs: 5_000 },
      by: expect.stringMatching(/^ada@/),
    });
  });

  it("takes all of them at once", async () => {
    const caps = ["--node-upload-max", "200Mbit", "--node-download-max", "400Mbit"];
    const { host } = await run("limits", "set", ...caps, "--fleet-rate", "1Gbit", "--ramp", "30s", "--json");
    const limits = {
      nodeUploadBytesPerSecondMax: 25_000_000,
      nodeDownloadBytesPerSecondMax: 50_000_000,
      fleetBytesPerSecondMax: 125_000_000,
      rampMs: 30_000,
    };
    expect(put()).toMatchObject({ limits });
    expect(host.lastJson).toMatchObject({ limits });
  });

  it.each([
    [[], "nothing to set"],
    [
      ["--fleet-rate", "fast"],
      "--fleet-rate fast: expected a rate such as 500kbit, 50Mbit or 10Gbit, or none",
    ],
    [["--ramp", "2h"], "--ramp 2h: expected a duration such as"],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await run("limits", "set", ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(put()).toBeUndefined();
  });
});

describe("fleet limits clear", () => {
  it("lifts them all", async () => {
    expect((await run("limits", "clear")).code).toBe(0);
    expect(put()).toMatchObject({ limits: NO_FLEET_LIMITS });
  });
});
