import { join } from "node:path";

/** Another process (or another logger of this one) holds the spool. */
export class SpoolInUseError extends Error {
  override readonly name = "SpoolInUseError";

  constructor(folder: string, spool: string) {
    super(
      `The event spool ${join(folder, spool)} is in use by another process, which holds ${spool}.lock: a batch of this number ` +
        "is being run already. Wait for it to end, or stop it, then try again.",
    );
  }
}

/** `process`: what is acknowledged survives a killed process. `power`: also a power cut, at the price of waiting for the disk. */
export type Durability = "process" | "power";

export interface SpoolOptions {
  /** Of one that was put aside; default the one that the batch's logger writes. */
  name?: string | undefined;
  /** Whose events are appended, as `EventSink.identityOf` gives it; left out while that is unknown. */
  identity?: string | null | undefined;
  /** Called for each damaged file, when everything sound in it has been read. */
  onDamage?: ((message: string) => void) | undefined;
}
