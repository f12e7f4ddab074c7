import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 60_000;
const DIST = "packages/web/dist";

/** @throws {Error} when all JavaScript of the built page together is over 60 KB gzipped */
export function checkPageSize() {
  const files = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  if (files.length === 0) throw new Error(`There is no JavaScript in ${DIST}: the build is incomplete.`);
  const sizes = files.map((name) => gzipSync(readFileSync(join(DIST, name)), { level: 9 }).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`  page: ${total} of ${BUDGET_BYTES} bytes gzipped`);
  if (total > BUDGET_BYTES) {
    const rows = files.map((name, at) => `  ${name}: ${sizes[at]} bytes`).join("\n");
    throw new Error(`The page's JavaScript has ${total} bytes gzipped:\n${rows}`);
  }
}
