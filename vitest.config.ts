// How the tests run: everything in-process first, then the end-to-end tests that start real processes.
// Owns pools, timeouts and file patterns; never test setup, which belongs next to the tests.
import { defineConfig } from "vitest/config";

// Two cores are what a hosted CI machine has; more workers than cores only blur timings.
const WORKERS_MAX = 2;
/** For tests that hang: a machine busy with something else must not fail one that gets there. */
const UNIT_TIMEOUT_MS = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          maxWorkers: WORKERS_MAX,
          testTimeout: UNIT_TIMEOUT_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // A whole fleet needs both cores for itself: one file at a time, after the unit tests.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
