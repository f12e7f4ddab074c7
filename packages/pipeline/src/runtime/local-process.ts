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
}

/** An engine that ends by itself is started again so many times in one stage; then it is the input or the machine. */
const MAX_RESTARTS = 3;
const STOP_TIMEOUT_MS = 10_000;
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
  #child: ChildProcess | null = null;
  #ready: Promise<void>;
  #restarts = 0;
  #stopping = false;

  constructor(stage: StageName, options: LocalProcessOptions, listener: RuntimeListener, signal: AbortSignal) {
    this.#stage = stage;
    this.#options = options;
    this.#listener = listener;
    this.#signal = signal;
    this.slots = options.slotsPerHost;
    this.#ready = this.#start();
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#ready.catch(() => undefined);
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
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
      child.on("close", (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}: ${lastLines(stderr)}`));
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
      if (!hasEnded(child)) child.kill("SIGKILL");
      throw error;
    }
    this.#listener.info(`Engine of ${this.#stage} started`, {
      url: this.url,
      pid: child.pid ?? null,
      startMs: Math.round(performance.now() - started),
    });
    void ended.then((reason) => this.#endedByItself(reason));
  }

  #endedByItself(reason: string): void {
    if (this.#stopping || this.#signal.aborted) return;
    this.#restarts += 1;
    this.#listener.error(`The engine of ${this.#stage} ${reason}`, { restart: this.#restarts });
    this.#ready =
      this.#restarts > MAX_RESTARTS
        ? Promise.reject(new EngineStartError(`The engine of ${this.#stage} ended ${this.#restarts} times: ${reason}`))
        : this.#start();
    // Whoever asks next meets the reason; nobody may be asking now.
    this.#ready.catch(() => undefined);
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
