/** The way of one file through the stages: each attempt with host, time, payload and response. */
import type { LogEvent } from "@cofi/event-log/events";
import type { TimelineView } from "@cofi/views/detail/shapes";
import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.js";
import { ticks } from "../../feed/ticking.js";
import { number } from "../../text/format.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { openEvent } from "../../choices/place.js";
import { go, place } from "../../choices/routes.js";
import { Ending } from "./ending.js";
import { Attempts } from "./attempt-list.js";
import { attemptsOf, placedIn, waitsOf, type PlacedAttempt } from "./attempts.js";
import { Comparison } from "./comparison.js";
import { Name } from "../../shared/name.js";

const MOST_EVENTS = 1_000;
/** A file passes ten stages, usually once each; only a batch that was run many times has more attempts than this. */
const ATTEMPTS_SHOWN = 40;

export function Journey({ batchId, file, state }: { batchId: number; file: string; state: LiveState }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const query = new URLSearchParams({ fileName: file, limit: String(MOST_EVENTS) });
  const { data, problem } = usePolled<{ events: LogEvent[] }>(`api/batch/${batchId}/logs?${query}`, state).value;
  const showsAll = useSignal(false);
  const close = (): void => {
    // Close the dialog before it is removed, so that it returns the focus to its opener.
    dialog.current?.close();
    go({ ...place.peek(), file: null });
  };
  // A link may open an event together with the journey, which would hide the event; the journey opens when that is closed.
  useSignalEffect(() => {
    if (openEvent.value === null && dialog.current && !dialog.current.open) dialog.current.showModal();
  });
  const labels = new Map(state.stages.value.map(({ summary }) => [summary.peek().stage, summary.peek().label]));
  const times = usePolled<TimelineView>(`api/batch/${batchId}/timeline`, state).value;
  const runs = times.data?.runs ?? [];
  const attempts = data ? placedIn(runs, attemptsOf(data.events)) : [];
  const waits = waitsOf(attempts, runs);
  const now = useNow(
    state,
    attempts.some(({ endedAt }) => endedAt === null),
  );
  const hidden = showsAll.value ? 0 : Math.max(0, attempts.length - ATTEMPTS_SHOWN);
  const chosen = place.value.compared.flatMap((id) => attempts.find((one) => one.id === id) ?? []);
  const choose = (one: PlacedAttempt): void => {
    const others = chosen.filter((other) => other.id !== one.id);
    const next = others.length < chosen.length ? others : [...others, one].slice(-2);
    go({ ...place.peek(), compared: next.map(({ id }) => id) });
  };
  const [left, right] = chosen;
  return (
    <dialog
      ref={dialog}
      class="event-dialog journey"
      aria-labelledby="journey-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id="journey-title">
            <span class="dialog-file">
              <Name text={file} />
            </span>{" "}
            <span class="soft">journey</span>
          </h2>
          <button type="button" class="button quiet square" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div class="dialog-scroll" tabindex={0} role="group" aria-label="Journey">
          {problem !== null && (
            <p class="remark" data-tone="bad" role="alert">
              {problem}
            </p>
          )}
          {data === null && problem === null && <p class="soft">Loading …</p>}
          {data !== null && attempts.length === 0 && <p class="soft">No event names this file.</p>}
          {data?.events.length === MOST_EVENTS && (
            <p class="remark">Of the events of this file only the latest {number(MOST_EVENTS)} are shown.</p>
          )}
          {hidden > 0 && (
            <button type="button" class="button" onClick={() => (showsAll.value = true)}>
              Show {hidden === 1 ? "the earlier attempt" : `${number(hidden)} earlier attempts`}
            </button>
          )}
          {attempts.length > 0 && (
            <Attempts
              attempts={attempts.slice(hidden)}
              waits={waits.slice(hidden)}
              runs={runs}
              isWhole={data !== null && data.events.length < MOST_EVENTS}
              labels={labels}
              chosen={chosen}
              choose={choose}
              now={now}
            />
          )}
          <Ending batchId={batchId} file={file} state={state} attempts={attempts} />
          {chosen.length === 1 && attempts.length > 1 && <p class="soft">Choose a second attempt to compare with.</p>}
          {left && right && <Comparison left={left} right={right} labels={labels} />}
        </div>
      </div>
    </dialog>
  );
}

/** The server's time, new every second while `isRunning`. */
function useNow(state: LiveState, isRunning: boolean): number {
  if (isRunning) void ticks.slow.value;
  return state.serverNow();
}
