// The colours of charts and report, each as it is on white paper and on a dark screen.
// Told apart without seeing red from green (after Okabe and Ito, 2008).
// No two may be alike: for a dark screen each is found by its value.

export interface Ink {
  readonly light: string;
  readonly dark: string;
}

export const PALETTE = {
  paper: { light: "#ffffff", dark: "#11161c" },
  text: { light: "#1f2328", dark: "#e6edf3" },
  quiet: { light: "#59636e", dark: "#9aa5b1" },
  axis: { light: "#8b949e", dark: "#68727d" },
  grid: { light: "#e4e7eb", dark: "#2b323a" },
  swarm: { light: "#0072b2", dark: "#5ab4ee" },
  bound: { light: "#454b54", dark: "#c2cad3" },
  originAlone: { light: "#c04d00", dark: "#f2915a" },
  tree: { light: "#007a5a", dark: "#38c79b" },
} as const satisfies Record<string, Ink>;

/** From few to many: darker and darker on paper, brighter and brighter on a dark screen. */
export const RAMP: readonly Ink[] = [
  { light: "#2a9d78", dark: "#5f6cc0" },
  { light: "#1d8a8c", dark: "#4a86c4" },
  { light: "#2b6f95", dark: "#3fa0c4" },
  { light: "#38538f", dark: "#43b8ae" },
  { light: "#472d80", dark: "#7ccf8a" },
  { light: "#3d0751", dark: "#d9e35e" },
];

/** Style rules that turn what was drawn for paper into what a dark screen shows. */
export function darkRules(): string {
  return [...Object.values<Ink>(PALETTE), ...RAMP]
    .map(({ light, dark }) => `svg [fill="${light}"]{fill:${dark}}svg [stroke="${light}"]{stroke:${dark}}`)
    .join("\n");
}
