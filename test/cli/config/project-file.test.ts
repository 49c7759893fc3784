// fleet.yaml: what it means, and by file, line and column what is wrong with it.
// fleet.yaml: what it may say, what that means, and how each mistake in it is told.
import { describe, expect, it } from "vitest";
import { checkProject } from "../../../cli/config/project-check.ts";
import { healthOf, hooksOf, projectSection } from "../../../cli/config/project-schema.ts";
import { decodeYaml } from "../../../cli/config/yaml-file.ts";
import type { FleetError } from "../../../protocol/errors.ts";
import { healthSchema, hooksSchema } from "../../../protocol/manifest.ts";

const read = (source: string) => {
  const project = decodeYaml(source, "fleet.yaml", projectSection);
  checkProject(project, "fleet.yaml");
  return project;
};

const FULL = `
app: shop
artifact: builds/{version}.tar.zst
hooks:
  preActivate: { run: [systemctl, stop, shop], timeout: 1m }
  postActivate: { run: [./bin/start] }
health:
  http:
    - http://127.0.0.1:{label.port}/health
    - { url: "https://127.0.0.1/ready", status: 204 }
  tcp: ["127.0.0.1:{label.port}", "[::1]:80"]
  exec: [[./bin/check, --quick]]
  interval: 500ms
  timeout: 3s
  successes: 2
  startPeriod: 10s
strategy:
  rolling: 25%
  canary: 2
  healthTimeout: 5m
coordinator:
  url: http://coordinator:7700
`;

describe("fleet.yaml", () => {
  it("says what a manifest then carries", () => {
    const project = read(FULL);
    expect(hooksOf(project)).toEqual({
      preActivate: { argv: ["systemctl", "stop", "shop"], timeoutMs: 60_000 },
      postActivate: { argv: ["./bin/start"], timeoutMs: 30_000 },
    });
    expect(healthOf(project)).toEqual({
      probes: [
        { kind: "http", url: "http://127.0.0.1:{label.port}/health", expectStatus: 200 },
        { kind: "http", url: "https://127.0.0.1/ready", expectStatus: 204 },
        { kind: "tcp", address: "127.0.0.1:{label.port}" },
        { kind: "tcp", address: "[::1]:80" },
        { kind: "exec", argv: ["./bin/check", "--quick"] },
      ],
      intervalMs: 500,
      timeoutMs: 3_000,
      successes: 2,
      startPeriodMs: 10_000,
    });
    expect(project.strategy).toEqual({
      rolling: { kind: "percent", value: 25 },
      canary: 2,
      allAtOnce: null,
      healthTimeout: 300_000,
    });
    hooksSchema.decode(hooksOf(project), "hooks");
    healthSchema.decode(healthOf(project), "health");
  });

  it("may be empty, and its sections too", () => {
    expect(read("").app).toBeNull();
    expect(read("# nothing yet\n").hooks).toBeNull();
    expect(read("hooks:\nstrategy:\n").strategy).toBeNull();
    expect(healthOf(null)).toEqual({
      probes: [],
      intervalMs: 2_000,
      timeoutMs: 2_000,
      successes: 3,
      startPeriodMs: 0,
    });
  });

  it("takes a number or a share to roll by", () => {
    expect(read("strategy: { rolling: 3 }").strategy?.rolling).toEqual({ kind: "nodes", value: 3 });
    expect(read('strategy: { rolling: "3" }').strategy?.rolling).toEqual({ kind: "nodes", value: 3 });
  });

  it.each([
    ["ap: shop", "fleet.yaml:1:1: unknown key `ap`; did you mean `app`?"],
    ["app: shop\nstrategy:\n  rollng: 10%", "fleet.yaml:3:3: unknown key `rollng`; did you mean `rolling`?"],
    [
      "hooks:\n  postActivate:\n    run: [a]\n    timout: 3s",
      "fleet.yaml:4:5: unknown key `timout`; did you mean `timeout`?",
    ],
    [
      "health:\n  http:\n    - http://a\n    - { url: http://b, stauts: 200 }",
      "fleet.yaml:4:24: unknown key `stauts`; did you mean `status`?",
    ],
    ["coordinator: { whatever: 1 }", "fleet.yaml:1:16: unknown key `whatever`; known here: url"],
    [
      "app: Shop!",
      "fleet.yaml:1:6: app: expected an app name: a-z, 0-9, '.', '_', '-', at most 64 characters",
    ],
    [
      "\nhealth:\n  interval: 30",
      "fleet.yaml:3:13: health.interval: expected a duration such as 500ms, 30s, 2m or 1h, from 50ms to 1h",
    ],
    [
      "health:\n  exec: [./check]",
      "fleet.yaml:2:10: health.exec[0]: expected a list: the program, then its arguments",
    ],
    ["health: { tcp: [localhost] }", "fleet.yaml:1:17: health.tcp[0]: expected HOST:PORT"],
    [
      "hooks: { preActivate: {} }",
      "fleet.yaml:1:23: hooks.preActivate.run: expected a list: the program, then its arguments",
    ],
    [
      "strategy: { rolling: 150% }",
      "fleet.yaml:1:22: strategy.rolling: expected a number of nodes from 1 to 100000, or a share from 1% to 100%",
    ],
    [
      "artifact: build/{name}.tar",
      "fleet.yaml:1:11: artifact: expected a path, in which {version} is the only placeholder",
    ],
    ["- app", "fleet.yaml:1:1: value: expected keys: app, artifact, hooks, health, strategy, coordinator"],
    ["app: a\napp: b", "fleet.yaml:2:1: Map keys must be unique"],
    ["app: [", "fleet.yaml:1:7: "],
    [
      "strategy: { allAtOnce: true, rolling: 3 }",
      "fleet.yaml: strategy: allAtOnce goes without rolling and canary",
    ],
    [
      "health: { tcp: ['a:1'], interval: 1m, successes: 3 }",
      "fleet.yaml: strategy: healthTimeout 2m is over before 3 rounds 1m apart can pass",
    ],
    [
      `health: { tcp: [${"'a:1', ".repeat(16)}], exec: [[a]] }`,
      "fleet.yaml: health: 17 probes; at most 16 together",
    ],
  ])("refuses %j by file, line and column", (source, message) => {
    expect(() => read(source)).toThrow(
      expect.objectContaining({
        code: "config-invalid",
        exitCode: 2,
        message: expect.stringContaining(message) as string,
      }) as FleetError,
    );
  });

  it("does not unfold aliases without end, nor read a file of any size", () => {
    const bomb = [
      "a: &a [x, x]",
      ..."bcdefgh"
        .split("")
        .map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]}, `.repeat(9)}]`),
    ];
    expect(() => read(bomb.join("\n"))).toThrow(
      expect.objectContaining({ code: "config-invalid" }) as FleetError,
    );
    expect(() => read(`# ${"x".repeat(300_000)}`)).toThrow("larger than");
  });
});
