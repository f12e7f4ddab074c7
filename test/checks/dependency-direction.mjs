import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which of our packages the sources of each may import. The page takes types, the projection, the clocks of time zones and the shapes of the detail only: nothing that runs on Node.
 * @type {Record<string, string[]>}
 */
const ALLOWED = {
  "event-log": [],
  views: ["@cofi/event-log"],
  evidence: ["@cofi/event-log"],
  pipeline: ["@cofi/event-log", "@cofi/evidence"],
  engines: [],
  dashboard: ["@cofi/event-log", "@cofi/views", "@cofi/evidence"],
  web: [
    "@cofi/event-log/events",
    "@cofi/event-log/stages",
    "@cofi/event-log/zone-clock",
    "@cofi/event-log/event-metadata",
    "@cofi/event-log/file-outcome",
    "@cofi/views/projection",
    "@cofi/views/detail/shapes",
  ],
  cli: [
    "@cofi/event-log",
    "@cofi/views",
    "@cofi/evidence",
    "@cofi/pipeline",
    "@cofi/engines",
    "@cofi/dashboard",
    "@cofi/web",
  ],
};

/** `import`, `export … from`, `import()` and `import.meta.resolve()` of our packages, or of a path that climbs. */
const IMPORT = /(?:from\s+|import\s*\(?\s*|import\.meta\.resolve\(\s*)["'](@cofi\/[^"']+|(?:\.\.\/)+[^"']*)["']/g;

/** @throws {Error} with every import that goes against docs/architecture.md, and for a package that has no rule */
export function checkDependencyDirection() {
  const unruled = readdirSync("packages").filter((name) => !(name in ALLOWED));
  if (unruled.length > 0) throw new Error(`No rule says what these packages may import: ${unruled.join(", ")}.`);
  const wrong = Object.entries(ALLOWED).flatMap(([name, allowed]) =>
    sourcesOf(name).flatMap((file) =>
      importsOf(file)
        .filter((imported) =>
          imported.startsWith("@cofi/") ? !covers(allowed, imported) : !staysInside(file, imported),
        )
        .map((imported) => `${file} imports ${imported}`),
    ),
  );
  if (wrong.length > 0) throw new Error(`Imports against the direction of docs/architecture.md:\n${wrong.join("\n")}`);
}

/** @param {string} file */
function importsOf(file) {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, imported = ""]) => imported);
}

/** @param {string[]} allowed @param {string} imported */
function covers(allowed, imported) {
  return allowed.some((prefix) => imported === prefix || imported.startsWith(`${prefix}/`));
}

/** @param {string} file @param {string} imported */
function staysInside(file, imported) {
  const depth = (file.split("/src/")[1] ?? "").split("/").length - 1;
  return (imported.match(/\.\.\//g) ?? []).length <= depth;
}

/** @param {string} name */
function sourcesOf(name) {
  const folder = `packages/${name}/src`;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(folder, path));
}
