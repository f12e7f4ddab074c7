/** What the engines of the sound take of a processor for the same recordings, each as the service that it is. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { processorSecondsWithChildren } from "./process-figures.js";

export const SOUND_STAGES = ["denoise", "ivr", "lid", "stt"] as const;
type SoundStage = (typeof SOUND_STAGES)[number];

interface Answers {
  denoise: { duration_s: number };
  ivr: { trim: object };
  lid: { language: string };
  stt: object;
}

/** Engines load their models with recordings of a batch of their own: what they measure of a batch is not known before it is asked about. */
const BATCH = { loading: 1, measured: 2 };

/** One build of Cofi, whose engines go over the same recordings, stage by stage. */
export class BuildOfEngines {
  /** Seconds of sound that were gone over. */
  audioS = 0;
  readonly #root: string;
  readonly #filesDir: string;
  readonly #recordings: readonly string[];
  readonly #trims = new Map<number, object>();
  readonly #languages = new Map<number, string>();

  private constructor(root: string, filesDir: string, recordings: readonly string[]) {
    this.#root = root;
    this.#filesDir = filesDir;
    this.#recordings = recordings;
  }

  /** `root`: the folder of the build. */
  static async of(root: string, recordings: readonly string[]): Promise<BuildOfEngines> {
    return new BuildOfEngines(root, await mkdtemp(join(tmpdir(), "cofi-engines-")), recordings);
  }

  /**
   * The seconds of a processor that a stage takes, children included, without what its start takes. Stages come in their order.
   * `silence`: a recording with which it loads its models.
   */
  async processorS(stage: SoundStage, silence: string): Promise<number> {
    const engine = await startedEngine(this.#root, stage, this.#filesDir);
    const ask = async <S extends SoundStage>(batchId: number, place: number): Promise<Answers[S] | null> => {
      const body = {
        batch_id: batchId,
        file_name: String(place),
        variant: "denoised",
        trim: (batchId === BATCH.measured && this.#trims.get(place)) || { start_s: 0, end_s: 10 },
        language: (batchId === BATCH.measured && this.#languages.get(place)) || "en",
      };
      return engine.ask<Answers[S]>(body);
    };
    try {
      // Each of its threads loads the models with a file of its own.
      const loading = Array.from({ length: availableParallelism() }, (_, place) => place);
      if (stage === "denoise") {
        for (const place of loading) await engine.put(BATCH.loading, String(place), await readFile(silence));
        for (const [place, path] of this.#recordings.entries())
          await engine.put(BATCH.measured, String(place), await readFile(path));
      }
      await Promise.all(loading.map((place) => ask(BATCH.loading, place)));
      const before = engine.processorSeconds();
      for (const place of this.#recordings.keys()) {
        if (stage === "denoise") this.audioS += (await ask<"denoise">(BATCH.measured, place))?.duration_s ?? 0;
        if (stage === "ivr") this.#trims.set(place, (await ask<"ivr">(BATCH.measured, place))?.trim ?? {});
        if (stage === "lid") this.#languages.set(place, (await ask<"lid">(BATCH.measured, place))?.language ?? "und");
        if (stage === "stt") await ask<"stt">(BATCH.measured, place);
      }
      return engine.processorSeconds() - before;
    } finally {
      await engine.stop();
    }
  }

  close(): Promise<void> {
    return rm(this.#filesDir, { recursive: true, force: true });
  }
}

async function startedEngine(root: string, stage: SoundStage, filesDir: string) {
  const args = [join(root, "packages/cli/bin/cofi.js"), "engine", stage, "--port", "0", "--files-dir", filesDir];
  const env = { PATH: process.env["PATH"] ?? "", HOME: filesDir };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    closed.then(() => Promise.reject(new Error(`The engine ${stage} of ${root} ended before it listened.`))),
  ])) as [string];
  const { url } = JSON.parse(line) as { url: string };
  while (!(await fetch(`${url}/health`)).ok) await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    processorSeconds: () => processorSecondsWithChildren(child.pid ?? 0),
    async put(batchId: number, name: string, body: Buffer<ArrayBuffer>): Promise<void> {
      await fetch(`${url}/files/${batchId}/${name}`, { method: "PUT", body });
    },
    /** `null` when the engine has no model for the language. */
    async ask<T>(body: object): Promise<T | null> {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/v1/${stage}`, { method: "POST", headers, body: JSON.stringify(body) });
      const answer = (await response.json()) as T & { type?: string; detail?: string };
      if (response.ok) return answer;
      if (answer.type === "unsupported-language") return null;
      throw new Error(`The engine ${stage} answered ${response.status}: ${answer.detail}`);
    },
    async stop(): Promise<void> {
      child.kill();
      await closed;
    },
  };
}
