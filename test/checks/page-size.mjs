import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Budgets of the files that load before the first view, and of all files together. */
const FIRST_VIEW_BYTES = 60_000;
const ALL_BYTES = 120_000;
const DIST = "packages/web/dist";

/** @throws {Error} when the JavaScript of the built page is over its budgets, gzipped */
export function checkPageSize() {
  const entry = /src="[^"]*?(assets\/[^"]+\.js)"/.exec(readFileSync(join(DIST, "index.html"), "utf8"))?.[1];
  if (entry === undefined) throw new Error(`${DIST}/index.html names no script.`);
  const sizes = readdirSync(join(DIST, "assets"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => {
      const text = readFileSync(join(DIST, "assets", name));
      return { name: `assets/${name}`, text: text.toString(), bytes: gzipSync(text, { level: 9 }).length };
    });
  const imports = (/** @type {string} */ name) =>
    [...(sizes.find((one) => one.name === name)?.text ?? "").matchAll(/(?:from|^import|;import)\s*"\.\/([^"]+)"/g)].map(
      (found) => `assets/${found[1]}`,
    );
  const first = new Set([entry]);
  for (const name of first) for (const other of imports(name)) first.add(other);
  const sum = (/** @type {typeof sizes} */ some) => some.reduce((total, { bytes }) => total + bytes, 0);
  const ofFirst = sum(sizes.filter(({ name }) => first.has(name)));
  const ofAll = sum(sizes);
  console.log(`  page: first view ${ofFirst} of ${FIRST_VIEW_BYTES}, all ${ofAll} of ${ALL_BYTES} bytes gzipped`);
  if (ofFirst <= FIRST_VIEW_BYTES && ofAll <= ALL_BYTES) return;
  const rows = sizes.map(({ name, bytes }) => `  ${name}: ${bytes}`).join("\n");
  throw new Error(`The page's JavaScript is over its budgets:\n${rows}`);
}
