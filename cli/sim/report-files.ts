// The files that `fleet sim run --out` writes: the numbers, one chart each as SVG, and one report with all of it.
// Charts are drawn by a large library, which is loaded only here and only when it is needed.
import type { ReportData } from "../../sim/core/report-data.ts";
import type { Study, StudyResult } from "../../sim/core/study.ts";
import { scenarioFacts } from "./facts.ts";
import type { SimResults } from "./results-schema.ts";
import { expectationText } from "./table.ts";

export const REPORT_FILE = "report.html";

/** By name. */
export async function reportFiles(
  study: Study,
  result: StudyResult,
  results: SimResults,
): Promise<ReadonlyMap<string, string>> {
  const { chartsOf } = await import("../../sim/shell/charts.ts");
  const { reportHtml } = await import("../../sim/shell/report.ts");
  const data = reportData(study, result, results);
  const numbers = `${JSON.stringify(results, null, 1)}\n`;
  return new Map([
    ...chartsOf(data).map(({ id, draw }) => [`${id}.svg`, draw("file")] as const),
    [REPORT_FILE, reportHtml(data, numbers)],
    ["results.json", numbers],
  ]);
}

function reportData(study: Study, result: StudyResult, { version, command }: SimResults): ReportData {
  const { scenario, seeds } = study;
  return {
    title: scenario.name,
    artifactBytes: scenario.artifactBytes,
    facts: scenarioFacts(scenario, seeds),
    ...{ sizes: result.sizes, seeds, version, command },
    expectations: result.ceilings.map((each) => ({ text: expectationText(each), ok: each.ok })),
    violations: result.violations,
  };
}
