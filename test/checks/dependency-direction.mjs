import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Lists for each package which other packages its sources may import, as values or as types. The page takes only types, the
 * projection, the clocks of time zones and the shapes of the detail: nothing that runs on Node.
 * @type {Record<string, string[]>}
 */
const ALLOWED = {
  "event-log": [],
  access: ["@cofi/event-log"],
  views: ["@cofi/event-log"],
  evidence: ["@cofi/event-log"],
  pack: ["@cofi/event-log", "@cofi/access", "@cofi/evidence"],
  recordings: [],
  pipeline: ["@cofi/event-log", "@cofi/evidence", "@cofi/recordings"],
  engines: ["@cofi/recordings"],
  dashboard: ["@cofi/event-log", "@cofi/access", "@cofi/views", "@cofi/evidence", "@cofi/recordings", "@cofi/pack"],
  web: [
    "@cofi/event-log/events",
    "@cofi/event-log/stages",
    "@cofi/event-log/zone-clock",
    "@cofi/event-log/event-metadata",
    "@cofi/event-log/file-outcome",
    "@cofi/evidence/outcomes",
    "@cofi/evidence/shapes",
    "@cofi/views/batch-state",
    "@cofi/views/worked",
    "@cofi/views/detail/cause-name",
    "@cofi/views/detail/host-shapes",
    "@cofi/views/detail/shapes",
    "@cofi/views/detail/silence",
  ],
  cli: [
    "@cofi/event-log",
    "@cofi/access",
    "@cofi/views",
    "@cofi/evidence",
    "@cofi/pack",
    "@cofi/pipeline",
    "@cofi/engines",
    "@cofi/dashboard",
    "@cofi/web",
  ],
};

const WORDS = ["text", "choices"];
const SHARED = [...WORDS, "feed", "shared"];

/**
 * Rooms inside a package, or inside a room of it, and the rooms that the sources of each may import; "" are the files beside
 * the rooms, which every room may import.
 * @type {Record<string, Record<string, string[]>>}
 */
const ROOMS = {
  "event-log": { "": [], database: [], store: ["database"], logger: ["database", "store"] },
  views: {
    "": [],
    tail: [],
    work: [],
    cards: ["work"],
    detail: ["work", "cards"],
    overview: ["work", "cards", "detail"],
    export: ["detail"],
  },
  access: { "": [], log: [], masks: [] },
  evidence: { "": ["search"], phones: [], review: [], search: [], seal: [] },
  pack: { "": [], page: [], make: ["page"], verify: [] },
  "views/detail": { "": [], fold: [], files: ["fold"], reports: ["fold", "files"] },
  web: {
    "": [...SHARED, "page"],
    text: [],
    choices: ["text"],
    feed: WORDS,
    shared: [...WORDS, "feed"],
    dialog: SHARED,
    cards: SHARED,
    findings: SHARED,
    alerts: SHARED,
    views: [...SHARED, "cards"],
    search: SHARED,
    header: [...SHARED, "alerts", "search"],
    page: [...SHARED, "dialog", "cards", "findings", "alerts", "views", "header"],
  },
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
  for (const [name, rooms] of Object.entries(ROOMS)) wrong.push(...againstRooms(name, rooms));
  if (wrong.length > 0) throw new Error(`Imports against the direction of docs/architecture.md:\n${wrong.join("\n")}`);
}

/** @param {string} file */
function importsOf(file, pattern = IMPORT) {
  return [...readFileSync(file, "utf8").matchAll(pattern)].map(([, imported = ""]) => imported);
}

const RELATIVE = /(?:from\s+|import\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g;

/**
 * Imports of one room by another that may not import it. `place`: the package, and the room in it that has rooms inside.
 * @param {string} place @param {Record<string, string[]>} rooms
 */
function againstRooms(place, rooms) {
  const [name = "", ...inside] = place.split("/");
  const src = join("packages", name, "src", ...inside);
  /** @param {string} path */
  const roomOf = (path) => {
    const [first = "", ...rest] = relative(src, path).split("/");
    return rest.length === 0 ? "" : first;
  };
  return sourcesOf(name).flatMap((file) => {
    const room = roomOf(file);
    if (room === "..") return [];
    const allowed = rooms[room];
    if (allowed === undefined) return [`${file}: no rule says what the room ${room} may import`];
    return importsOf(file, RELATIVE).flatMap((imported) => {
      const other = roomOf(join(dirname(file), imported));
      // What lies outside of this place is for the rule of its own place.
      return other === ".." || other === room || other === "" || allowed.includes(other)
        ? []
        : [`${file} imports ${imported}`];
    });
  });
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
