/** Polls the server for a view while it is shown: after new events, but at most once a second. */
import { signal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { ApiError, getJson } from "./api.js";
import type { LiveState } from "./live-state.js";

export interface Polled<T> {
  data: T | null;
  /** The path that `data` answers; null before the first answer. */
  answers: string | null;
  /** Why the latest request failed; null when it succeeded. */
  problem: string | null;
}

const LEAST_PAUSE_MS = 1_000;
/** Some answers change with time alone, so they are read again after this pause. */
const MOST_PAUSE_MS = 5_000;

export interface Polling {
  /** The answer never changes, so it is read once. */
  once?: boolean;
  /** Shortest time between two requests in ms, for data that seldom changes. */
  everyMs?: number;
}

/** Polls `path`; null polls nothing. After a change of the path the old data stays until the first answer. */
export function usePolled<T>(path: string | null, state: LiveState, polling: Polling = {}): ReadonlySignal<Polled<T>> {
  const polled = useMemo(() => signal<Polled<T>>({ data: null, answers: null, problem: null }), []);
  const wanted = useMemo(() => signal(path), []);
  wanted.value = path;
  const how = useRef(polling);
  how.current = polling;
  // A finished batch may be resumed.
  const isOnce = useMemo(() => signal(false), []);
  isOnce.value = polling.once === true;
  useSignalEffect(() => {
    const asked = wanted.value;
    void isOnce.value;
    if (asked === null) return undefined;
    const controller = new AbortController();
    void poll(asked, polled, state, how, controller.signal);
    return () => controller.abort();
  });
  return polled;
}

async function poll<T>(
  path: string,
  polled: ReturnType<typeof signal<Polled<T>>>,
  state: LiveState,
  how: { current: Polling },
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const asOf = state.freshness.peek()?.asOf;
    try {
      polled.value = { data: await getJson<T>(path, stop), answers: path, problem: null };
    } catch (error) {
      if (stop.aborted) return;
      polled.value = {
        data: polled.peek()?.data ?? null,
        answers: polled.peek()?.answers ?? null,
        problem: reasonOf(error),
      };
    }
    if (how.current.once && polled.peek()?.answers === path) return;
    await news(state, asOf, how, stop);
  }
}

/** The message of an error; null if the server is only still reading the batch. */
function reasonOf(error: unknown): string | null {
  if (error instanceof ApiError && error.isReading) return null;
  return error instanceof Error ? error.message : String(error);
}

/** Waits until there may be news and the page is visible and not paused. */
async function news(
  state: LiveState,
  asOf: number | undefined,
  how: { current: Polling },
  stop: AbortSignal,
): Promise<void> {
  const started = performance.now();
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, how.current.everyMs ?? LEAST_PAUSE_MS));
    if (state.paused.peek() || document.hidden) continue;
    if (state.freshness.peek()?.asOf !== asOf || performance.now() - started >= MOST_PAUSE_MS) return;
  }
}
