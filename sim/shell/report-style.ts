// How a report looks: on a wide and a narrow screen, light and dark, and on paper, where it is always light.
// Charts are drawn for white paper; for a dark screen their colours are exchanged here.
import { darkRules, PALETTE } from "./palette.ts";

type Side = "light" | "dark";

function inks(side: Side): string {
  const { paper, text, quiet, grid, swarm, originAlone, tree } = PALETTE;
  return [
    `--paper:${paper[side]}`,
    `--text:${text[side]}`,
    `--quiet:${quiet[side]}`,
    `--line:${grid[side]}`,
    `--accent:${swarm[side]}`,
    `--bad:${originAlone[side]}`,
    `--good:${tree[side]}`,
  ].join(";");
}

const BASE = `
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--text)}
body{font:16px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:84rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.0625rem;line-height:1.35;margin:0 0 .5rem}
p,ul,dl,pre{margin:0 0 .75rem}
.kind{color:var(--quiet);margin:0}
.finding{font-size:1.25rem;line-height:1.4;margin:.75rem 0 0;max-width:46rem}
.finding strong{color:var(--accent)}
section{margin-top:2.25rem}
section>p,section>ul,section>dl{max-width:46rem}
.note,figcaption{color:var(--quiet);font-size:.875rem;line-height:1.45;max-width:46rem}
.warning{border:2px solid var(--bad);border-radius:6px;padding:1rem 1.25rem;max-width:46rem}
.warning h2,.missed b{color:var(--bad)}
.met b{color:var(--good)}
.expectations{list-style:none;padding:0}
a{color:var(--accent)}
code{font:.9375em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;white-space:pre-wrap;max-width:46rem}
.save{font-size:.875rem}
`;

const TABLE = `
.table{overflow-x:auto;margin-bottom:.5rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .75rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{color:var(--quiet);font-weight:500;vertical-align:bottom}
tbody td:nth-child(2),tbody td:nth-child(3){font-weight:600;color:var(--accent)}
th:first-child{position:sticky;left:0;background:var(--paper);padding-left:0}
dl>div{display:grid;grid-template-columns:9rem 1fr;gap:0 1rem}
dl>div{padding:.3rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
`;

const CHARTS = `
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,36rem),1fr))}
.charts{gap:2.5rem 3rem;margin-top:2.25rem}
figure{margin:0;max-width:46rem}
figcaption{margin-top:.25rem}
svg{display:block;width:100%;height:auto}
.narrow{display:none}
@media screen and (max-width:520px){.wide{display:none}.narrow{display:block}main{padding-top:1.25rem}
dl>div{grid-template-columns:6.5rem 1fr}}
`;

const PRINT = `
@page{margin:16mm 15mm}
@media print{
body{font-size:10pt}
main{max-width:none;padding:0}
h1{font-size:15pt}
.finding{font-size:12.5pt}
section{margin-top:1.25rem}
section,figure{break-inside:avoid}
h2{break-after:avoid}
.charts{grid-template-columns:1fr 1fr;gap:8mm;margin-top:8mm}
.wide{display:none}
.narrow{display:block}
figcaption,.note{font-size:8.5pt}
.table{overflow:visible}
table{font-size:8.5pt}
th,td{padding:.25rem .45rem}
th:first-child{position:static}
.save{display:none}
}
`;

export const REPORT_STYLE = `:root{color-scheme:light;${inks("light")}}
@media screen and (prefers-color-scheme:dark){
:root{color-scheme:dark;${inks("dark")}}
${darkRules()}
}
${[BASE, TABLE, CHARTS, PRINT].map((rules) => rules.trim()).join("\n")}`;
