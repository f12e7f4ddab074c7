/** Engines as child processes of the pipeline: the embedded default. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { StageName } from "@cofi/event-log/stages";
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { randomToken } from "../hosts/engine-token.js";
import { keyOf, UNHEARD, type FileKeeper, type RunningEngines, type Runtime, type RuntimeListener } from "./runtime.js";
import { SupervisedEngine, type StartedEngine } from "./supervised-engine.js";

export interface LocalProcessOptions {
  /** The command that serves a stage's engine on a free port and prints `{"url": …}` when it listens. */
  command: (stage: StageName) => { file: string; args: string[] };
  /** The folder that all of them share. */
  files: FilePlace;
  client: EngineClient;
  /** That the engines ask for; one of their own when it is not set. */
  token?: string | undefined;
  slotsPerHost: number;
  engineStartTimeoutMs: number;
  /** Attempts of a file in a stage. */
  attempts: number;
}

const HOST = "127.0.0.1";
const STDERR_CHARACTERS = 2_000;
const LAST_WORDS_MS = 500;

export class LocalProcessRuntime implements Runtime, FileKeeper {
  readonly #options: LocalProcessOptions & { token: string };

  constructor(options: LocalProcessOptions) {
    this.#options = { ...options, token: options.token ?? randomToken() };
  }

  async start(
    stage: StageName,
    _batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const { command, ...options } = this.#options;
    const launch = async (): Promise<StartedEngine> => new EngineProcess(command(stage), options.token);
    const engine = new SupervisedEngine({
      ...options,
      stage,
      name: HOST,
      key: keyOf(HOST, []),
      launch,
      listener,
      signal,
    });
    await engine.ready();
    return { hosts: [engine], stop: (hurry) => engine.stop(hurry) };
  }

  machinesOf(): readonly string[] {
    return [HOST];
  }

  filesAt(place: string, signal: AbortSignal): Promise<RunningEngines> | null {
    return place === this.#options.files.place ? this.start("file_distribution", 0, UNHEARD, signal) : null;
  }
}

class EngineProcess implements StartedEngine {
  readonly details: { pid: number | null };
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  /** The token goes by the environment: arguments are seen by every user of the machine. */
  constructor({ file, args }: { file: string; args: string[] }, token: string) {
    const env = { ...withoutSecrets(process.env), COFI_ENGINE_TOKEN: token };
    // A process group of its own: Ctrl-C reaches the pipeline alone, which lets the files in work finish. The engine
    // ends when its standard input closes, so it does not outlive a pipeline that is killed.
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true, env });
    this.#child = child;
    this.details = { pid: child.pid ?? null };
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(`cannot be started: ${error.message}.`));
      child.on("exit", (code, signal) => {
        // What it printed last may still be on its way; programs that it started may hold the pipe open for long.
        const tell = (): void => resolve(`ended with ${signal ?? `exit code ${code}`}: ${lastLines(stderr)}`);
        child.on("close", tell);
        setTimeout(tell, LAST_WORDS_MS).unref();
        this.#killGroup();
      });
    });
  }

  #hasEnded(): boolean {
    const { exitCode, signalCode, pid } = this.#child;
    return exitCode !== null || signalCode !== null || pid === undefined;
  }

  /** The URL in the first line of JSON that the engine prints. */
  url(): Promise<string> {
    const { stdout } = this.#child;
    return new Promise((resolve, reject) => {
      if (!stdout) return reject(new Error("The engine has no standard output."));
      const lines = createInterface({ input: stdout }).on("line", (line) => {
        const url = /"url":"(http[^"]+)"/.exec(line)?.[1];
        if (!url) return;
        resolve(url);
        lines.close();
        // Nobody reads what it prints from now on, and it must not block on that.
        stdout.resume();
      });
    });
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#hasEnded()) return;
    this.#child.kill("SIGTERM");
    // An engine that watches its standard input does not end while it is open.
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#killGroup(), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends the engine and the programs that it started, at once. */
  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      // Nothing of the group is left (ESRCH), or only what is ending already (EPERM on macOS).
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
}

/** Of the pipeline and the dashboard: no engine has a use for them. */
const SECRETS = /_API_KEY$|_SECRET$|^COFI_ACCESS_TOKEN$|^COFI_DATABASE_|^MYSQL_/;

/** Secrets stand there as empty, so that the engine does not take them from `.env` either. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, SECRETS.test(name) ? "" : value]));
}

function lastLines(stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-5).join(" | ");
  return lines || "it printed no error.";
}
