/** Runs ffmpeg and ffprobe on files that anybody may have made, and reads what they write. */
import { spawn } from "node:child_process";

/**
 * Memory of its own that such a program may have, in KB: audio takes 30 MB. Files can ask for any amount, by a picture in
 * their header or by the size of a block; the program then goes without, or fails.
 */
const MEMORY_KB = 256 * 1024;
const STDERR_CHARACTERS = 4096;

interface ProgramBounds {
  timeoutMs: number;
  /** Takes what the program writes to its standard output; the program is ended when it throws. It waits while a promise is not kept. */
  onOutput: (chunk: Buffer) => void | Promise<void>;
  /** Takes each line of its standard error. */
  onLine?: ((line: string) => void) | undefined;
  gone: AbortSignal | undefined;
}

interface ProgramResult {
  code: number;
  /** The beginning of it. */
  stderr: string;
}

/** A program could not be started. `code`: of the system, such as ENOENT where it is not installed. */
export class CannotStart extends Error {
  override readonly name = "CannotStart";
  readonly code: string | undefined;

  constructor(program: string, { message, code }: NodeJS.ErrnoException) {
    super(
      `${program} cannot be started: ${message}.${code === "ENOENT" ? " Install it: apt-get install ffmpeg." : ""}`,
    );
    this.code = code;
  }
}

/** The input of ffmpeg or ffprobe. `formats`: what it may be; `options`: how it is read. */
export function inputOf(path: string, formats: string, options: readonly string[] = []): string[] {
  return ["-protocol_whitelist", "file", "-format_whitelist", formats, ...options, "-i", `file:${path}`];
}

/**
 * What programs that read recordings get of the environment. They parse what anybody may have made: a key or a password is not
 * there to be found.
 */
export function programEnvironment(): NodeJS.ProcessEnv {
  const { PATH, LANG, LC_ALL, TMPDIR, HOME } = process.env;
  return { PATH, LANG, LC_ALL, TMPDIR, HOME };
}

/**
 * Runs a program to its end.
 * @throws CannotStart; Error when it was ended by a signal, or took too long; what `onOutput` throws; the reason of `gone`
 */
export async function runMedia(program: string, args: string[], bounds: ProgramBounds): Promise<ProgramResult> {
  const { timeoutMs, onOutput, onLine, gone } = bounds;
  gone?.throwIfAborted();
  // Where the system has a stricter limit, that one stays.
  const limited = ["-c", 'ulimit -d "$0" 2>/dev/null || :; exec "$@"', String(MEMORY_KB), program, ...args];
  const child = spawn("/bin/sh", limited, { stdio: ["ignore", "pipe", "pipe"], env: programEnvironment() });
  let failure: Error | undefined;
  const stop = (reason: Error): void => {
    failure ??= reason;
    child.kill("SIGKILL");
  };
  const over = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on("error", (error) => (failure ??= new CannotStart(program, error)));
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const leave = (): void => stop(gone?.reason as Error);
  gone?.addEventListener("abort", leave);
  const timer = setTimeout(() => stop(new Error(`${program} was not done after ${timeoutMs / 1000} s.`)), timeoutMs);
  const said = new Lines(onLine);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => said.add(text));
  try {
    // Without a file descriptor left there is no pipe.
    for await (const chunk of child.stdout ?? []) {
      if (failure !== undefined) break;
      const taken = onOutput(chunk as Buffer);
      if (taken !== undefined) await taken;
    }
  } catch (error) {
    stop(error as Error);
  }
  const { code, signal } = await over;
  clearTimeout(timer);
  gone?.removeEventListener("abort", leave);
  said.end();
  // The shell's own answers: found and not startable, not found.
  if (code === 126 || code === 127)
    failure ??= new CannotStart(
      program,
      Object.assign(new Error(said.beginning.trim()), { code: code === 127 ? "ENOENT" : "EACCES" }),
    );
  if (failure) throw failure;
  // What it wrote until then may be a part, and that is not the fault of the recording.
  if (code === null) throw new Error(`${program} was ended by ${signal}.`);
  return { code, stderr: said.beginning };
}

/** Cuts text into lines as it comes. */
class Lines {
  beginning = "";
  readonly #take: ((line: string) => void) | undefined;
  #rest = "";

  constructor(take: ((line: string) => void) | undefined) {
    this.#take = take;
  }

  add(text: string): void {
    if (this.beginning.length < STDERR_CHARACTERS) this.beginning += text;
    if (!this.#take) return;
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, STDERR_CHARACTERS);
    for (const line of lines) this.#take(line);
  }

  end(): void {
    if (this.#rest !== "") this.#take?.(this.#rest);
  }
}
