import { readdir, readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { z } from "zod";
import { decodeAudio } from "../audio/audio.js";
import { fingerprint, MIN_PROMPT_S, type Prompt } from "./fingerprint.js";

/** Fingerprints of the prompts that come with Cofi; their origin and licence stand beside the file. */
export const BUILT_IN_PROMPTS = new URL("../../data/ivr/prompts.json", import.meta.url);

const BYTES_PER_PRINT = 3;
const PromptFile = z.object({ prompts: z.array(z.object({ label: z.string(), prints: z.base64() })) });

/** Fingerprints as a JSON text: base64 of 3 bytes for each print, lowest first, one prompt to a line. */
export function encodePrompts(prompts: readonly Prompt[]): string {
  const lines = prompts.map(({ label, prints }) => {
    const bytes = Buffer.alloc(prints.length * BYTES_PER_PRINT);
    for (const [i, print] of prints.entries()) bytes.writeUIntLE(print, i * BYTES_PER_PRINT, BYTES_PER_PRINT);
    return `    ${JSON.stringify({ label, prints: bytes.toString("base64") })}`;
  });
  return `{\n  "prompts": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** Reads a file that `encodePrompts` wrote. */
export async function readPrompts(file: URL | string): Promise<Prompt[]> {
  const { prompts } = PromptFile.parse(JSON.parse(await readFile(file, "utf8")));
  return prompts.map(({ label, prints }) => {
    const bytes = Buffer.from(prints, "base64");
    const count = Math.floor(bytes.length / BYTES_PER_PRINT);
    return {
      label,
      prints: Uint32Array.from({ length: count }, (_, i) => bytes.readUIntLE(i * BYTES_PER_PRINT, BYTES_PER_PRINT)),
    };
  });
}

/**
 * Fingerprints every recording in a folder; a prompt is labelled with its file's name without the ending. Prompts shorter
 * than 0.8 s are left out. Throws an error that names the file which is not audio.
 */
export async function fingerprintFolder(folder: string, wanted: (name: string) => boolean): Promise<Prompt[]> {
  const prompts: Prompt[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isFile()).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name.startsWith(".") || !wanted(name)) continue;
    const { samples, duration_s } = await decodeAudio(join(folder, name)).catch((error: unknown) => {
      throw new Error(`The prompt ${join(folder, name)} cannot be read`, { cause: error });
    });
    if (duration_s >= MIN_PROMPT_S) prompts.push({ label: parse(name).name, prints: fingerprint(samples) });
  }
  return prompts;
}
