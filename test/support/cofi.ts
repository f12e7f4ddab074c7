/** `cofi` as a user starts it: a process of its own, with a data folder of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const COFI = fileURLToPath(new URL("../../packages/cli/bin/cofi.js", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface CofiProcess {
  /** Everything printed so far. */
  output(): string;
  /** Resolves with the match once the output holds it. Rejects when the process ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the reading end of its output, as `| head` does. */
  closeOutput(): void;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>;
}

/**
 * Starts `cofi` with `env` on top of a bare environment: nothing of the caller's settings gets in.
 * @param before what the command is preceded by, such as another machine that it runs on, as the same process
 * @param input its standard input; without one there is none
 */
export function startCofi(
  args: readonly string[],
  env: Record<string, string>,
  cwd = ROOT,
  before: readonly string[] = [],
  input?: string,
): CofiProcess {
  const { PATH = "", HOME = "" } = process.env;
  const [file = "", ...rest] = [...before, process.execPath, COFI, ...args];
  const child: ChildProcess = spawn(file, rest, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  child.stdin?.end(input);
  let output = "";
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const watcher of watchers) watcher();
    });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    output: () => output,
    ended,
    kill: (signal) => void child.kill(signal),
    closeOutput() {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
    printed(pattern) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (!match) return;
          watchers.delete(look);
          resolve(match);
        };
        watchers.add(look);
        void ended.then((code) =>
          reject(new Error(`cofi ended with ${code} before it printed ${pattern}:\n${output}`)),
        );
        look();
      });
    },
  };
}

export interface Dashboard extends CofiProcess {
  readonly url: string;
}

/** Starts `cofi serve`, on a port that is free unless `env` names one, and waits until it answers. */
export async function startDashboard(env: Record<string, string>): Promise<Dashboard> {
  const cofi = startCofi(["serve"], { COFI_PORT: "0", ...env });
  return { ...cofi, url: await dashboardUrl(cofi) };
}

/** Where the dashboard of a command that has one is, once it answers. */
export async function dashboardUrl(cofi: CofiProcess): Promise<string> {
  const [, url = ""] = await cofi.printed(/Dashboard: (http\S+)/);
  return url;
}

/** Runs a command to its end. */
export async function runCofi(
  args: readonly string[],
  env: Record<string, string>,
  cwd?: string,
  input?: string,
): Promise<{ code: number | null; output: string }> {
  const cofi = startCofi(args, env, cwd, [], input);
  const code = await cofi.ended;
  return { code, output: cofi.output() };
}
