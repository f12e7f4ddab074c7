/** `.env.example` names every setting that the code reads, and can be used as it stands. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { dashboardSettings } from "@cofi/dashboard/settings";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { STAGES } from "@cofi/event-log/stages";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLE = readFileSync(join(ROOT, ".env.example"), "utf8");
const NAMED = new Map(
  [...EXAMPLE.matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
);

function namesInSources(): string[] {
  const names = [
    "event-log",
    "access",
    "evidence",
    "pack",
    "recordings",
    "pipeline",
    "engines",
    "dashboard",
    "cli",
  ].flatMap((room) => {
    const folder = join(ROOT, "packages", room, "src");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .flatMap((path) => {
        const source = readFileSync(join(folder, path), "utf8");
        // A constant of the source may begin like a setting.
        const constants = new Set([...source.matchAll(/\bconst ([A-Z0-9_]+)/g)].map(([, name]) => name));
        const found = source.match(/\b(?:COFI|MYSQL)_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];
        return found.filter((one) => !constants.has(one));
      });
  });
  return [...new Set(names)];
}

test("every setting of the sources stands in .env.example", () => {
  expect(namesInSources().filter((name) => !NAMED.has(name))).toEqual([]);
  const engines = STAGES.filter(({ kind }) => kind === "engine").map(
    ({ name }) => `COFI_ENGINE_${name.toUpperCase()}_URLS`,
  );
  expect(engines.filter((name) => !NAMED.has(name))).toEqual([]);
});

test("with every line in force, the settings are valid; and as it stands it sets nothing", () => {
  const values = Object.fromEntries(NAMED);
  const defaults = { dashboard: dashboardSettings({}), pipeline: pipelineSettings({}) };
  expect(dashboardSettings(values)).toEqual({
    ...defaults.dashboard,
    allowedHosts: ["cofi.example.org"],
    trustedProxies: ["127.0.0.1"],
    phoneCountry: "IN",
  });
  expect(pipelineSettings({ ...values, COFI_SLOTS_PER_HOST: "" })).toEqual(defaults.pipeline);
  expect(parseEnv(EXAMPLE)).toEqual({});
});
