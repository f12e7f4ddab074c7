/** Engines as child processes of the pipeline: the embedded default. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { StageName } from "@cofi/event-log/stages";
import type { EngineClient } from "../engine-client.js";
import { awaitHealth } from "./await-health.js";
import {
  EngineStartError,
  type EngineHost,
  type RunningEngines,
  type Runtime,
  type RuntimeListener,
} from "./runtime.js";

export interface LocalProcessOptions {
  /** The command that serves a stage's engine on a free port and prints `{"url": …}` when it listens. */
  command: (stage: StageName) => { file: string; args: string[] };
  client: EngineClient;
  slotsPerHost: number;
  engineStartTimeoutMs: number;
  /** Tries of a file in a stage. */
  attempts: number;
}

/** How long an engine that is told to stop may finish what it has in work. */
const STOP_TIMEOUT_MS = 10_000;
const LAST_WORDS_MS = 500;
const STDERR_CHARACTERS = 2_000;
const HOST = "127.0.0.1";

export class LocalProcessRuntime implements Runtime {
  readonly #options: LocalProcessOptions;

  constructor(options: LocalProcessOptions) {
    this.#options = options;
  }

  async start(
    stage: StageName,
    _batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const engine = new LocalEngine(stage, this.#options, listener, signal);
    await engine.ready();
    return { hosts: [engine], stop: () => engine.stop() };
  }
}

/** Starting -> running -> (ends by itself) starting … -> stopped. `ready()` waits through `starting`. */
class LocalEngine implements EngineHost {
  readonly name = HOST;
  readonly slots: number;
  url = "";
  readonly #stage: StageName;
  readonly #options: LocalProcessOptions;
  readonly #listener: RuntimeListener;
  readonly #signal: AbortSignal;
  /**
   * Ends by itself, without an answer about any file between them, after which the engine is given up. Files that kill
   * it are all given up before: each end costs each file in work one of its tries.
   */
  readonly #maxEnds: number;
  #child: ChildProcess | null = null;
  #ready: Promise<void>;
  /** Resolves when the end of the running process has been dealt with. */
  #told: Promise<void> = Promise.resolve();
  #endsInARow = 0;
  #stopping = false;
  #stopped: Promise<void> | null = null;

  constructor(stage: StageName, options: LocalProcessOptions, listener: RuntimeListener, signal: AbortSignal) {
    this.#stage = stage;
    this.#options = options;
    this.#listener = listener;
    this.#signal = signal;
    this.slots = options.slotsPerHost;
    this.#maxEnds = options.slotsPerHost * options.attempts;
    this.#ready = this.#start();
  }

  async ready(): Promise<void> {
    // A request breaks off before the end of the process is told: whoever asks in between waits for the new one.
    const current = this.#child;
    if (current && hasEnded(current) && !this.#stopping) await this.#told;
    await this.#ready;
  }

  answered(): void {
    this.#endsInARow = 0;
  }

  stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.#ready.catch(() => undefined);
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    killGroup(child);
    this.#listener.info(`Engine of ${this.#stage} stopped`, { pid: child.pid ?? null });
  }

  async #start(): Promise<void> {
    const started = performance.now();
    const { file, args } = this.#options.command(this.#stage);
    // A process group of its own: Ctrl-C reaches the pipeline alone, which lets the files in work finish. The engine
    // ends when its standard input closes, so it does not outlive a pipeline that is killed.
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    child.stdin.on("error", () => undefined);
    const ended = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(`cannot be started: ${error.message}`));
      child.on("exit", (code, signal) => {
        // What it printed last may still be on its way; programs that it started may hold the pipe open for long.
        const tell = (): void => resolve(`ended with ${signal ?? `exit code ${code}`}: ${lastLines(stderr)}`);
        child.on("close", tell);
        setTimeout(tell, LAST_WORDS_MS).unref();
        killGroup(child);
      });
    });
    let gone: string | null = null;
    void ended.then((reason) => (gone = reason));
    try {
      this.url = await Promise.race([
        listening(child),
        ended.then((reason) => Promise.reject(new EngineStartError(`The engine of ${this.#stage} ${reason}`))),
      ]);
      await awaitHealth(this.#options.client, this, this.#options.engineStartTimeoutMs, this.#signal, () => gone);
    } catch (error) {
      killGroup(child);
      throw error;
    }
    this.#listener.info(`Engine of ${this.#stage} started`, {
      url: this.url,
      pid: child.pid ?? null,
      startMs: Math.round(performance.now() - started),
    });
    this.#told = ended.then((reason) => this.#endedByItself(reason));
  }

  #endedByItself(reason: string): void {
    if (this.#stopping || this.#signal.aborted) return;
    this.#endsInARow += 1;
    const givenUp = this.#endsInARow >= this.#maxEnds;
    const message = `The engine of ${this.#stage} ${reason}`;
    this.#listener.error(message, { ends: this.#endsInARow, startedAgain: givenUp ? "no" : "yes" });
    this.#ready = givenUp
      ? Promise.reject(new EngineStartError(`${message} (${this.#endsInARow} times, with no answer between)`))
      : this.#start();
    // Whoever asks next meets the reason; nobody may be asking now.
    this.#ready.catch(() => undefined);
  }
}

/** Ends the engine and the programs that it started, at once. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // ESRCH: nothing of the group is left.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** The URL in the first line of JSON that the engine prints. */
async function listening(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new EngineStartError("The engine has no standard output.");
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const url = /"url":"(http[^"]+)"/.exec(line)?.[1];
    if (url) {
      child.stdout.resume();
      return url;
    }
  }
  return new Promise(() => undefined);
}

function lastLines(stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-5).join(" | ");
  return lines || "it printed no error";
}
