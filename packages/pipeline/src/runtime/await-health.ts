import { setTimeout as pause } from "node:timers/promises";
import type { EngineAddress, EngineClient } from "../hosts/engine-client.js";
import { EngineError } from "../hosts/engine-error.js";
import { EngineStartError } from "./runtime.js";

const POLL_MS = 100;
const LOOK_TIMEOUT_MS = 10_000;

/**
 * Waits until the engine says that it can work.
 * @param gone asked after each look in vain, with what it found: a reason to give up at once
 * @throws EngineStartError after `timeoutMs`, when `gone` has a reason, or when the signal aborts
 */
export async function awaitHealth(
  client: EngineClient,
  engine: EngineAddress,
  timeoutMs: number,
  signal: AbortSignal,
  gone: (error: unknown) => string | null = () => null,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let cause = "it takes the connection and does not answer.";
  for (;;) {
    try {
      const left = Math.max(1, Math.min(deadline - Date.now(), LOOK_TIMEOUT_MS));
      await client.health(engine, AbortSignal.any([signal, AbortSignal.timeout(left)]));
      return;
    } catch (error) {
      const reason = gone(error) ?? (signal.aborted ? "the batch was stopped" : null);
      if (reason !== null)
        throw new EngineStartError(`${engine.name}: ${reason.replace(/\.$/, "")}.`, { cause: error });
      // A look that was cut short says nothing about the engine: what the one before found does.
      if (!(error instanceof EngineError && error.type === "stopped")) cause = (error as Error).message;
      if (Date.now() >= deadline)
        throw new EngineStartError(
          `${engine.name} (${engine.url}) is not healthy after ${Math.round(timeoutMs / 1000)} s: ${cause} ` +
            "Look at the engine's own log, or raise COFI_ENGINE_START_TIMEOUT_S.",
          { cause: error },
        );
    }
    await pause(POLL_MS);
  }
}
