/** Words that no file may hold after retention has removed them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const CANARY = /canary-([a-z ]+)-\d+-[a-z0-9]+\./g;

/** Makes words of its own kind, each once: `canary-old name-17-9d0c1f.` */
export class Canaries {
  readonly #made = new Set<string>();

  /** A new one. `kind`: what it stands in, and whether it is to go. */
  of(kind: string): string {
    const canary = `canary-${kind}-${this.#made.size}-${Math.random().toString(36).slice(2, 10)}.`;
    this.#made.add(canary);
    return canary;
  }

  /** How many of each kind stand in files below the folders, or in their names, in capitals or not; each counts once. */
  foundBelow(...folders: string[]): Record<string, number> {
    const found = new Set<string>();
    for (const path of folders.flatMap(filesBelow))
      for (const text of [path, readFileSync(path).toString("latin1")])
        for (const [canary] of text.toLowerCase().matchAll(CANARY)) if (this.#made.has(canary)) found.add(canary);
    const counts: Record<string, number> = {};
    for (const canary of found) {
      const [, kind = ""] = /^canary-([a-z ]+)-/.exec(canary) ?? [];
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return stats.isDirectory() ? filesBelow(path) : [path];
  });
}
