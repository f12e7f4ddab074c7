import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version of Cofi's own engines. */
export const ENGINES_VERSION =
  readManifest(fileURLToPath(new URL("../../package.json", import.meta.url)))?.version ?? "unknown";

/** The version of an installed package, read from the package.json above its entry file. */
export function packageVersion(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    const manifest = readManifest(join(folder, "package.json"));
    if (manifest?.name === name && manifest.version) return manifest.version;
    if (folder === dirname(folder)) throw new Error(`No package.json of ${name} was found above its entry file`);
    folder = dirname(folder);
  }
}

function readManifest(path: string): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { name?: string; version?: string };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
