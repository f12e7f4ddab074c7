/** An answer that is read once. */
import { signal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ApiError } from "../../feed/api.js";

interface Asked<T> {
  data: T | null;
  problem: string | null;
  /** The server has no such thing. */
  isMissing: boolean;
}

/** Asks again when `key` changes; the old answer stays until then. @param ask rejects with the reason why there is no answer */
export function useAsked<T>(
  key: string,
  ask: (key: string, stop: AbortSignal) => Promise<T>,
): ReadonlySignal<Asked<T>> {
  const wanted = useMemo(() => signal(key), []);
  wanted.value = key;
  const asked = useMemo(() => signal<Asked<T>>({ data: null, problem: null, isMissing: false }), []);
  useSignalEffect(() => {
    const now = wanted.value;
    const controller = new AbortController();
    void read(now, controller.signal);
    return () => controller.abort();
  });

  async function read(now: string, stop: AbortSignal): Promise<void> {
    try {
      asked.value = { data: await ask(now, stop), problem: null, isMissing: false };
    } catch (error) {
      if (stop.aborted) return;
      const isMissing = error instanceof ApiError && error.status === 404;
      asked.value = { data: null, problem: error instanceof Error ? error.message : String(error), isMissing };
    }
  }
  return asked;
}
