// GET /v1/nodes/NODE/explain with real connections: nodes that answer, that lie about the question, that leave, and
// one that answers what nobody asked.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Inspection } from "../../../protocol/inspection.ts";
import { refusal, TestCoordinator } from "./support/coordinator.ts";
import { TestNode } from "./support/node.ts";
import { scratchFolders } from "./support/scratch.ts";

const newFolder = scratchFolders();
let fleet: TestCoordinator;
let node: TestNode;

beforeEach(async () => {
  fleet = await TestCoordinator.start(newFolder());
  node = await TestNode.admitted(fleet.url, { joinToken: fleet.createToken("node") });
});
afterEach(async () => {
  await node.close();
  await fleet.close();
});

function answerTo(requestId: number, busyShare = 0.5): Inspection {
  const limits = { uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: null };
  return { kind: "inspection", requestId, busyShare, ...limits, torrents: [] };
}

const explain = (name: string = node.id) => fleet.call("GET", `/v1/nodes/${name}/explain`);

describe("asking a node why it is slow", () => {
  it("hands on what it answers", async () => {
    const asked = explain(`node-${node.id.slice(0, 6)}`);
    const { requestId } = await node.next("inspect");
    node.say(answerTo(requestId));
    expect(await asked).toMatchObject({
      status: 200,
      body: { answer: "answered", busyShare: 0.5, node: { id: node.id, online: true }, stages: [] },
    });
  });

  it("asks it once for two who ask, and believes only the answer to its question", async () => {
    const asked = Promise.all([explain(), explain()]);
    const { requestId } = await node.next("inspect");
    for (let other = 1; other < 100; other += 1) node.say(answerTo(requestId + other, 0.9));
    node.say(answerTo(requestId));
    const answers = await asked;
    expect(answers.map(({ body }) => (body as { busyShare: number }).busyShare)).toEqual([0.5, 0.5]);
    expect(node.received.filter(({ kind }) => kind === "inspect")).toEqual([]);
  });

  it("says that it is offline when it leaves instead of answering, and does not ask it again", async () => {
    const asked = explain();
    await node.next("inspect");
    await node.close();
    expect(await asked).toMatchObject({ status: 200, body: { busyShare: null, stages: [] } });
    expect(await explain()).toMatchObject({ status: 200, body: { answer: "offline" } });
  });

  it("is for operators, and for nodes that exist", async () => {
    expect(await fleet.call("GET", `/v1/nodes/${node.id}/explain`, { token: null })).toMatchObject(
      refusal(401, "token-missing"),
    );
    expect(await explain("nobody")).toMatchObject(refusal(404, "node-unknown"));
  });

  it("wants an id where two nodes have the same name", async () => {
    const twin = new TestNode(fleet.url);
    await twin.greet({ joinToken: fleet.createToken("node"), name: `node-${node.id.slice(0, 6)}` });
    await twin.next("welcome");
    const reply = await explain(`node-${node.id.slice(0, 6)}`);
    expect(reply).toMatchObject(refusal(400, "request-invalid"));
    expect((reply.body as { error: { next: string } }).error.next).toContain(twin.id);
    await twin.close();
  });
});
