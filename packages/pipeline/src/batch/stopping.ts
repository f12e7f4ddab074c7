/** Why a run ends before its batch does. */
import { BatchInUseError, LeaseLostError } from "./lease.js";

/** The batch was to stop before it had begun: nothing was changed. */
class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** @throws StoppedError once the signal has aborted */
export function throwIfStopped({ aborted }: AbortSignal): void {
  if (aborted) throw new StoppedError("Stopped before the batch began. The same command starts it.");
}

/** Whoever has the batch now works on the same files. */
export function isOutOfLease({ reason }: AbortSignal): boolean {
  return reason instanceof BatchInUseError || reason instanceof LeaseLostError;
}
