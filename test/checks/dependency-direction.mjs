import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Which of our packages the sources of each may import. The page takes types and the projection only: nothing that runs on Node. */
const ALLOWED = {
  "event-log": [],
  pipeline: ["@cofi/event-log"],
  engines: [],
  dashboard: ["@cofi/event-log"],
  web: ["@cofi/event-log/events", "@cofi/event-log/stages", "@cofi/event-log/projection"],
  cli: ["@cofi/event-log", "@cofi/pipeline", "@cofi/engines", "@cofi/dashboard", "@cofi/web"],
};

const IMPORT = /(?:from\s+|import\s*\(?\s*|import\.meta\.resolve\(\s*)"(?<name>@cofi\/[^"]+|(?:\.\.\/)+[^"]*)"/g;

/** Throws with every import that goes against docs/architecture.md. */
export function checkDependencyDirection() {
  const wrong = [];
  for (const [name, allowed] of Object.entries(ALLOWED)) {
    for (const file of sourcesOf(name)) {
      for (const { groups } of readFileSync(file, "utf8").matchAll(IMPORT)) {
        const imported = groups.name;
        const fine = imported.startsWith("@cofi/")
          ? allowed.some((prefix) => imported === prefix || imported.startsWith(`${prefix}/`))
          : staysInside(file, imported);
        if (!fine) wrong.push(`${file} imports ${imported}`);
      }
    }
  }
  if (wrong.length > 0) throw new Error(`Imports against the direction of docs/architecture.md:\n${wrong.join("\n")}`);
}

function staysInside(file, imported) {
  const depth = file.split("/src/")[1].split("/").length - 1;
  return (imported.match(/\.\.\//g) ?? []).length <= depth;
}

function sourcesOf(name) {
  const folder = `packages/${name}/src`;
  return readdirSync(folder, { recursive: true })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(folder, path));
}
