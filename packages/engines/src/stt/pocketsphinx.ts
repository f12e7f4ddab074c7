import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { programEnvironment } from "@cofi/recordings/media-program";
import type { LanguageModelFiles } from "./language-model/language-model.js";
import { preparedSeconds } from "./pocketsphinx-audio.js";
import type { SpeechJob, SpeechResult, Utterance, UtteranceJob } from "./pocketsphinx-worker.js";
import { EngineProblem } from "../server/problem.js";
import { cannotStart, findAcousticModel, requireTools } from "../server/system-tools.js";
import { makeWorkFolder, removeAbandonedWorkFolders } from "../server/work-folder.js";
import { WorkerPool } from "../server/worker-pool.js";

const FRAMES_PER_S = 100;
/** The recogniser needs a tenth of the speech's duration; this leaves room for a busy machine. */
const TIMEOUT_S = 120;
const TIMEOUT_PER_SPEECH_S = 4;
const MLLR = fileURLToPath(new URL("../../data/stt/mllr_telephone", import.meta.url));

/**
 * How speech is decoded: `domain` into the words of dealing-desk calls, `phones` into a free sequence of phones (the phone loop),
 * which fits any speech and is the reference for the scores of words. The quick ones are for their scores: they take less time, and
 * their words or phones are not as good. `quick-general` looks for the words of general English.
 */
export type Pass = "domain" | "phones" | "quick-domain" | "quick-general" | "quick-phones";

/** The result of a pass over an utterance. */
export interface Hypothesis {
  /** Words in lower case, or phones in upper case, with spaces between them; empty when nothing was heard. */
  text: string;
  /** The path's score for each frame of 10 ms: the logarithm of its likelihood, in the recogniser's unit (base 1.0001 / 2^10). */
  scorePerFrame: number;
}

/** `name` is that of its file, without the ending. */
interface NamedUtterance extends Utterance {
  name: string;
}

/** The speech of one recording, laid out for the recogniser. */
export interface Speech {
  utterances: readonly Utterance[];
  /**
   * One hypothesis for each utterance from place `from` on and before `to`, by default for all of them; `undefined` for one that
   * the pass could not decode (too short).
   */
  recognise(pass: Pass, from?: number, to?: number): Promise<(Hypothesis | undefined)[]>;
}

/**
 * pocketsphinx (Huggins-Daines et al., "Pocketsphinx: a free, real-time continuous speech recognition system for hand-held
 * devices", ICASSP 2006) with its English acoustic model, adapted to the telephone band by an MLLR transform.
 */
export class Pocketsphinx {
  readonly #stage: string;
  readonly #workers: WorkerPool<SpeechJob, SpeechResult>;
  readonly #children = new Set<ChildProcess>();
  #folder: string | undefined;
  #models: { acoustic: string; domain: LanguageModelFiles; shared: string } | undefined;
  #closed = false;

  /** `stage` names the tools that must be there (system-tools.ts). */
  constructor(stage: string) {
    this.#stage = stage;
    this.#workers = new WorkerPool(new URL("./pocketsphinx-worker.js", import.meta.url), availableParallelism());
  }

  /** Finds the program and its models and writes the domain's language model. Throws when something is missing. */
  async load(): Promise<void> {
    await requireTools(this.#stage);
    const acoustic = await findAcousticModel();
    if (acoustic === undefined)
      throw new Error("The acoustic model of pocketsphinx was removed while it was looked for");
    const shared = dirname(acoustic);
    await removeAbandonedWorkFolders();
    this.#folder = await makeWorkFolder();
    const generalDictionary = join(shared, "cmudict-en-us.dict");
    const written = await this.#workers.run({ kind: "model", folder: this.#folder, generalDictionary });
    if (written.kind === "model") this.#models = { acoustic, shared, domain: written.files };
  }

  /**
   * Finds the speech in a recording and gives it to `work`; the files made for it are removed when `work` is done or fails.
   * The samples are moved away from the caller. Throws `EngineProblem` 500 when the recogniser fails; no recogniser continues
   * after that, nor after `gone` aborts.
   */
  async withSpeech<T>(
    job: Omit<UtteranceJob, "kind" | "folder">,
    gone: AbortSignal,
    work: (speech: Speech) => Promise<T>,
  ): Promise<T> {
    if (this.#folder === undefined) throw new Error("The recogniser is not loaded");
    const folder = await mkdtemp(join(this.#folder, "file-"));
    const over = new AbortController();
    const stop = AbortSignal.any([gone, over.signal]);
    try {
      const options = { transfer: [job.samples.buffer], gone };
      const result = await this.#workers.run({ ...job, kind: "utterances", folder }, options);
      const utterances = result.kind === "utterances" ? result.utterances : [];
      const recognise: Speech["recognise"] = (pass, from = 0, to = utterances.length) => {
        const some = utterances.slice(from, to).map((utterance, i) => ({ ...utterance, name: String(from + i) }));
        return this.#recognise(folder, some, pass, stop);
      };
      return await work({ utterances, recognise });
    } finally {
      over.abort();
      // A recogniser that was ended just now may still be writing its log.
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Ends running recognisers and removes all files. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    const ended = [...this.#children].map((child) => new Promise((resolve) => child.once("close", resolve)));
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all([this.#workers.close(), ...ended]);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #recognise(folder: string, utterances: readonly NamedUtterance[], pass: Pass, stop: AbortSignal) {
    const [first] = utterances;
    if (first === undefined) return [];
    const path = join(folder, `${pass}-${first.name}`);
    const [list, result, log] = [`${path}.list`, `${path}.result`, `${path}.log`];
    await writeFile(list, utterances.map(({ name }) => `${name}\n`).join(""));
    const input = ["-adcin", "yes", "-adchdr", "44", "-cepdir", folder, "-cepext", ".wav", "-ctl", list];
    const totalS = utterances.reduce((sum, { speechS }) => sum + preparedSeconds(speechS), 0);
    await this.#run([...input, "-hyp", result, "-logfn", log, ...this.#passArguments(pass)], log, totalS, stop);
    const scored = parseHypotheses(await readFile(result, "utf8"));
    return utterances.map(({ speechS, name }): Hypothesis | undefined => {
      const found = scored.get(name);
      return found && { text: found.text, scorePerFrame: found.score / (preparedSeconds(speechS) * FRAMES_PER_S) };
    });
  }

  #passArguments(pass: Pass): string[] {
    if (this.#models === undefined) throw new Error("The recogniser is not loaded");
    const { acoustic, shared, domain } = this.#models;
    const model = ["-hmm", acoustic, "-mllr", MLLR];
    const desk = ["-dict", domain.dictionary, "-lm", domain.model];
    const general = ["-dict", join(shared, "cmudict-en-us.dict"), "-lm", join(shared, "en-us.lm.bin")];
    const beams = ["-beam", "1e-20", "-pbeam", "1e-20", "-lw", "2.0"];
    const loop = ["-allphone", join(shared, "en-us-phone.lm.bin"), "-allphone_ci", "yes", ...beams];
    // Half of a sound's Gaussians change its score, and not how scores compare.
    const coarse = ["-topn", "2"];
    // With wide beams the words of the domain are found in any babble: their path there scores far better than the phones'.
    const narrow = ["-bestpath", "no", "-maxhmmpf", "3000", "-maxwpf", "20"];
    const narrowest = ["-fwdflat", "no", "-bestpath", "no", "-maxhmmpf", "1500", "-maxwpf", "10"];
    const passes: Record<Pass, string[]> = {
      domain: desk,
      phones: loop,
      "quick-domain": [...desk, ...narrow, ...coarse],
      "quick-general": [...general, ...narrowest],
      "quick-phones": [...loop, ...coarse],
    };
    return [...model, ...passes[pass]];
  }

  #run(args: string[], log: string, speechS: number, stop: AbortSignal): Promise<void> {
    if (this.#closed) throw engineFailed("The engine is being stopped.");
    stop.throwIfAborted();
    const timeoutS = Math.round(TIMEOUT_S + TIMEOUT_PER_SPEECH_S * speechS);
    return new Promise((resolve, reject) => {
      const child = spawn("pocketsphinx_batch", args, { stdio: "ignore", env: programEnvironment() });
      const kill = (): void => void child.kill("SIGKILL");
      stop.addEventListener("abort", kill);
      this.#children.add(child);
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        kill();
      }, timeoutS * 1000);
      const fail = (reason: string): void => {
        lastLogLines(log).then(
          (lines) => reject(engineFailed(lines === "" ? reason : `${reason} Its log: ${lines}`)),
          reject,
        );
      };
      child.on("error", (error) => {
        const reason = cannotStart("pocketsphinx_batch", "pocketsphinx", error);
        reject(engineFailed(reason.message, error));
      });
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        stop.removeEventListener("abort", kill);
        this.#children.delete(child);
        if (code === 0) resolve();
        else if (stop.aborted) reject(stop.reason);
        else if (overdue) fail(`pocketsphinx_batch was not done after ${timeoutS} s.`);
        else if (this.#closed) reject(engineFailed("The engine is being stopped."));
        else fail(`pocketsphinx_batch ended with ${code === null ? `signal ${signal}` : `code ${code}`}.`);
      });
    });
  }
}

/** Lines of words, then the utterance and the path's score in brackets: `yes go ahead (12 -48211)`. */
function parseHypotheses(text: string): Map<string, { text: string; score: number }> {
  const hypotheses = new Map<string, { text: string; score: number }>();
  for (const line of text.split("\n")) {
    const [, heard, name, score] = /^(.*)\((\S+) (-?\d+)\)$/.exec(line) ?? [];
    if (heard === undefined || name === undefined) continue;
    const words = heard.split(/\s+/).filter((word) => word !== "" && !/^[+<[]/.test(word));
    hypotheses.set(name, { text: words.map((word) => word.replace(/\(\d+\)$/, "")).join(" "), score: Number(score) });
  }
  return hypotheses;
}

/** The complaints at the end of a log. Its other lines may hold what was said, and do not leave this engine. */
async function lastLogLines(log: string): Promise<string> {
  const text = await readFile(log, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const complaints = text.split("\n").filter((line) => /^(ERROR|FATAL|WARN)/.test(line));
  return complaints.slice(-5).join(" | ");
}

function engineFailed(detail: string, cause?: unknown): EngineProblem {
  return new EngineProblem(500, "engine-failed", "The recogniser failed", detail, cause === undefined ? {} : { cause });
}
