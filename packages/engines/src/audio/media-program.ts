/** ffmpeg and ffprobe on recordings that anybody may have made: with bounds on their time, their memory and what they write. */
import { spawn } from "node:child_process";
import { cannotStart, programEnvironment } from "../server/system-tools.js";

/** What ffmpeg may open. Playlists, scripts and image formats are left out: they can name other files and hosts. */
const DEMUXERS = "aac,ac3,aiff,amr,asf,au,caf,flac,gsm,matroska,mov,mp3,ogg,sln,tta,w64,wav,webm,wv";
/**
 * Memory of its own that such a program may have, in KB: audio takes 30 MB. Files can ask for any amount, by a picture in
 * their header or by the size of a block; the program then goes without, or fails.
 */
const MEMORY_KB = 256 * 1024;

interface ProgramBounds {
  timeoutMs: number;
  /** Takes what the program writes to its standard output; the program is ended when it throws. */
  onOutput: (chunk: Buffer) => void;
  gone: AbortSignal | undefined;
}

interface ProgramResult {
  code: number;
  stderr: string;
}

/** The input of ffmpeg or ffprobe, with what it may open. */
export function inputOf(path: string): string[] {
  return ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, "-i", `file:${path}`];
}

/**
 * Runs a program to its end.
 * @throws Error when it is not installed, was ended by a signal, or took too long; what `onOutput` throws; the reason of `gone`
 */
export function runMedia(program: string, args: string[], bounds: ProgramBounds): Promise<ProgramResult> {
  const { timeoutMs, onOutput, gone } = bounds;
  return new Promise((resolve, reject) => {
    gone?.throwIfAborted();
    // Where the system has a stricter limit, that one stays.
    const limited = ["-c", 'ulimit -d "$0" 2>/dev/null || :; exec "$@"', String(MEMORY_KB), program, ...args];
    const child = spawn("/bin/sh", limited, { stdio: ["ignore", "pipe", "pipe"], env: programEnvironment() });
    let stderr = "";
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure ??= error;
    });
    const stop = (reason: Error): void => {
      failure ??= reason;
      child.kill("SIGKILL");
    };
    const leave = (): void => stop(gone?.reason as Error);
    gone?.addEventListener("abort", leave);
    const timer = setTimeout(() => stop(new Error(`${program} was not done after ${timeoutMs / 1000} s.`)), timeoutMs);
    // Without a file descriptor left there is no pipe.
    child.stdout?.on("data", (chunk: Buffer) => {
      if (failure !== undefined) return;
      try {
        onOutput(chunk);
      } catch (error) {
        stop(error as Error);
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < 4096) stderr += text;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      gone?.removeEventListener("abort", leave);
      // The shell's own answers: found and not startable, not found.
      if (code === 126 || code === 127)
        failure ??= cannotStart(
          program,
          "ffmpeg",
          Object.assign(new Error(stderr.trim()), code === 127 && { code: "ENOENT" }),
        );
      if (failure) reject(failure);
      // What it wrote until then may be a part, and that is not the fault of the recording.
      else if (code === null) reject(new Error(`${program} was ended by ${signal}.`));
      else resolve({ code, stderr });
    });
  });
}
