#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("cofi is not built yet. Run `npm run build` in the repository root, then run the command again.");
  process.exit(2);
}
await import(main.href);
