// What a node does that obeys at once: says that it has staged, and that what it switched to is healthy.
import type { CoordinatorMessage } from "../../../../protocol/messages.ts";
import type { TestNode } from "./node.ts";

type StageOrder = Extract<CoordinatorMessage, { kind: "stage" }>;
type ActivateOrder = Extract<CoordinatorMessage, { kind: "activate" }>;

export async function stageNext(node: TestNode): Promise<StageOrder> {
  const order = await node.next("stage");
  const { generation, release } = order;
  const transfer = { generation, release, verifiedBytes: 1, receivedBytes: 1, uploadedBytes: 0 };
  node.say({ kind: "verified", ...transfer });
  node.say({ kind: "staged", ...transfer });
  return order;
}

export async function activateNext(node: TestNode): Promise<ActivateOrder> {
  const order = await node.next("activate");
  const { generation, release } = order;
  const outcome = { kind: "healthy" } as const;
  node.say({ kind: "activated", generation, app: release.app, live: release, outcome });
  return order;
}
