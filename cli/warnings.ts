// Keeps Node's notices about its own experimental parts out of what users see; every other warning is still shown.
// Imported first by main.ts, because some notices are given while modules load.

process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name === "ExperimentalWarning") return;
  process.stderr.write(`warning: ${warning.name}: ${warning.message}\n`);
});
