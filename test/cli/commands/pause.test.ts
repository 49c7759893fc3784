// `fleet pause` and `fleet resume`: which rollout is meant, who is said to have asked, and what people are told.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../../protocol/api.ts";
import { rolloutIdSchema } from "../../../protocol/ids.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { rollout, STARTED_AT, status, version } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

function running(id: string, change: Partial<RolloutView> = {}): RolloutView {
  return rollout({ id: rolloutIdSchema.decode(id, "id"), ...change });
}

const PAUSED = { pausedBy: "ada@laptop", waiting: ["paused by ada@laptop: nothing is fetched"] };

let fake: FakeCoordinator;
beforeEach(async () => {
  fake = await FakeCoordinator.open();
});
afterEach(() => fake.close());

const run = (...args: string[]) =>
  fleet(args, { env: { ...fake.env, USER: "ada" }, now: () => STARTED_AT + 1_000 });

/** What is running, and what the coordinator answers with. */
function given(rollouts: readonly RolloutView[], answer: Partial<RolloutView> = {}): void {
  fake.status = status({ rollouts });
  fake.rollout = rollout(answer);
}

describe("fleet pause", () => {
  it("pauses the rollout that runs, says who it was and what comes next", async () => {
    given([running("r7"), running("r6", { phase: "succeeded" })], PAUSED);
    const { code, stdout } = await run("pause");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "paused r7, the release of shop v42",
        "  paused by ada@laptop: nothing is fetched",
        "  `fleet resume r7` lets it go on, `fleet rollback` ends it.",
        "",
      ].join("\n"),
    );
    const [asked] = fake.asked.filter(({ method }) => method === "POST");
    expect(asked).toMatchObject({
      path: "/v1/rollouts/r7/pause",
      body: { by: expect.stringMatching(/^ada@/) },
    });
  });

  it.each([
    ["an id", "r8"],
    ["a version", "v43"],
  ])("takes %s", async (_, name) => {
    given([running("r7"), running("r8", { version: version("v43") })]);
    expect((await run("pause", name)).code).toBe(0);
    expect(fake.paths("POST")).toEqual(["/v1/rollouts/r8/pause"]);
  });

  it("asks which one is meant when several run", async () => {
    given([running("r7"), running("r8", { version: version("v43"), lane: "stage" })]);
    const { code, stderr } = await run("pause");
    expect(code).toBe(2);
    expect(stderr).toContain("several rollouts run: r7 (release of shop v42), r8 (stage of shop v43)");
    expect(stderr).toContain("`fleet pause r7`");
    expect(fake.paths("POST")).toEqual([]);
  });

  it("means the one that is not paused yet when nothing is named", async () => {
    given([running("r7", PAUSED), running("r8")]);
    await run("pause");
    expect(fake.paths("POST")).toEqual(["/v1/rollouts/r8/pause"]);
  });

  it("says so when nothing runs, or nothing by that name", async () => {
    given([running("r6", { phase: "succeeded" })]);
    expect((await run("pause")).stderr).toContain("no rollout is running");
    const { code, stderr } = await run("pause", "v99");
    expect(code).toBe(2);
    expect(stderr).toContain("no rollout that runs is called or brings v99");
  });

  it("passes on why a rollout cannot be paused", async () => {
    given([running("r6", { phase: "succeeded" })]);
    fake.refusals.set("POST /v1/rollouts/r6/pause", { code: "not-pausable", message: "r6 has ended" });
    const { code, host } = await run("pause", "r6", "--json");
    expect(code).toBe(5);
    expect(host.lastJson).toMatchObject({ error: { code: "not-pausable" } });
  });
});

describe("fleet resume", () => {
  it("lets what is paused go on", async () => {
    given([running("r7"), running("r8", PAUSED)]);
    const { code, stdout } = await run("resume");
    expect(code).toBe(0);
    expect(fake.paths("POST")).toEqual(["/v1/rollouts/r8/resume"]);
    expect(stdout).toContain("`fleet status --follow r7` watches it.");
  });

  it("gives the rollout as JSON", async () => {
    given([running("r7", PAUSED)]);
    expect((await run("resume", "--json")).host.lastJson).toEqual(fake.rollout);
  });
});
