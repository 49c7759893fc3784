// Throws damaged frames at the decoders until time is up or one of them misbehaves; the seed it prints repeats the run.
// Must never stop early without saying so: it ends with the count, or with the frame that did it and exit code 1.
import { parseArgs } from "node:util";
import { createPrng } from "../protocol/prng.ts";
import { formatFrame, readCorpus } from "../test/fuzz/corpus.ts";
import { mutate } from "../test/fuzz/mutate.ts";
import { judge } from "../test/fuzz/verdict.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 2 ** 32) },
    seconds: { type: "string", default: "60" },
    /** Number of the first run, to repeat one that failed. */
    from: { type: "string", default: "0" },
  },
});

const seed = Number(values.seed);
const deadline = Date.now() + Number(values.seconds) * 1_000;
const frames = readCorpus().map(({ frame }) => frame);
const root = createPrng(seed);

process.stdout.write(`seed ${seed}\n`);
let run = Number(values.from);
let accepted = 0;
for (; Date.now() < deadline; run += 1) {
  const frame = mutate(frames, root.child(run));
  try {
    accepted += judge(frame);
  } catch (error) {
    process.stdout.write(`run ${run} failed; again with: npm run fuzz -- --seed ${seed} --from ${run}\n`);
    process.stdout.write(formatFrame(frame, error instanceof Error ? error.message : String(error)));
    throw error;
  }
}
process.stdout.write(
  `${run - Number(values.from)} damaged frames, ${accepted} of them still messages, no fault\n`,
);
