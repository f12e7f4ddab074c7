/**
 * A disk that fails step by step. The files are real; the calls of `node:fs` that the spool writes with are refused, cut
 * short or held back as the test says. `node:fs` is patched for this thread, so it must be put back.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const real = { writeSync: fs.writeSync, openSync: fs.openSync, fdatasync: fs.fdatasync, fsyncSync: fs.fsyncSync };

function refusal(code: string): Error {
  return Object.assign(new Error(`${code}: the disk refuses`), { code });
}

export class FaultyDisk {
  /** `full` refuses every write, `half` writes half of one and then is full. */
  state: "works" | "full" | "half" = "works";
  #syncs: ((error: Error | null) => void)[] = [];
  #written = false;

  install(): void {
    const write = (file: number, bytes: Buffer, offset: number, length: number, position: number): number => {
      if (this.state === "works") return real.writeSync(file, bytes, offset, length, position);
      // Written in place, a block is written or refused as a whole.
      if (this.state === "full" || this.#written || position === 0) {
        this.#written = false;
        throw refusal("ENOSPC");
      }
      this.#written = true;
      return real.writeSync(file, bytes, offset, Math.floor(length / 2), position);
    };
    const open = (path: string, flags: string, mode?: number): number => {
      if (flags === "w+" && this.state !== "works") throw refusal("ENOSPC");
      return real.openSync(path, flags, mode);
    };
    Object.assign(fs, {
      writeSync: write,
      openSync: open,
      fdatasync: (_file: number, done: (error: Error | null) => void) => void this.#syncs.push(done),
    });
    syncBuiltinESMExports();
  }

  restore(): void {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }

  /** Ends the oldest sync under way, if there is one. */
  endSync(isWell: boolean): void {
    this.#syncs.shift()?.(isWell ? null : refusal("EIO"));
  }

  get syncs(): number {
    return this.#syncs.length;
  }
}
