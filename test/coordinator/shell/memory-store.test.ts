// The memory store keeps the port's promises.
import { MemoryStore } from "../../../coordinator/shell/memory-store.ts";
import { describeStore } from "../../conformance/store.ts";

describeStore("MemoryStore", () => {
  const store = new MemoryStore();
  return { store, dispose: () => store.close() };
});
