/** The way of one file through the stages: each attempt with host, time, payload and response. */
import type { LogEvent } from "@cofi/event-log/events";
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { fetchEvent } from "../../feed/api.js";
import { Icon } from "../../shared/icons.js";
import { ticks } from "../../feed/ticking.js";
import { clock, duration, fullTime, number } from "../../text/format.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { openEvent, showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { go, place } from "../../choices/routes.js";
import { readJson, writeJson } from "../../shared/json-text.js";
import { Ending } from "./ending.js";
import { FILE_LOOKS } from "../file-look.js";
import { diffLines, type DiffLine } from "./line-diff.js";
import { attemptsOf, waitsOf, type Attempt } from "./attempts.js";
import { Folded } from "../../shared/folded.js";
import { Name } from "../../shared/name.js";
import { visible } from "../../text/names.js";

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
  const attempts = data ? attemptsOf(data.events) : [];
  const waits = waitsOf(attempts);
  const now = useNow(
    state,
    attempts.some(({ endedAt }) => endedAt === null),
  );
  const hidden = showsAll.value ? 0 : Math.max(0, attempts.length - ATTEMPTS_SHOWN);
  const chosen = place.value.compared.flatMap((id) => attempts.find((one) => one.id === id) ?? []);
  const choose = (one: Attempt): void => {
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

const LOOKS = {
  ...FILE_LOOKS,
  retrying: { ...FILE_LOOKS.retrying, word: "failed, retried" },
  cut: { glyph: "⊘", word: "cut off", tone: "idle" },
} as const;

interface AttemptsProps {
  attempts: readonly Attempt[];
  /** Waiting time before each attempt in ms; null where unknown. */
  waits: readonly (number | null)[];
  labels: ReadonlyMap<string, string>;
  chosen: readonly Attempt[];
  choose: (one: Attempt) => void;
  now: number;
}

function Attempts({ attempts, waits, labels, chosen, choose, now }: AttemptsProps) {
  const starts = attempts.map(({ startedAt, endedAt }) => Date.parse(startedAt ?? endedAt ?? ""));
  const ends = attempts.map(({ endedAt }, index) =>
    endedAt === null ? now : Math.max(Date.parse(endedAt), starts[index]!),
  );
  const first = Math.min(...starts);
  const hasRuns = new Set(attempts.map(({ run }) => run)).size > 1;
  const span = Math.max(1, Math.max(...ends) - first);
  const share = (ms: number): string => `${(ms / span) * 100}%`;
  return (
    <ol class="attempts">
      {attempts.map((one, index) => {
        const { glyph, word, tone } = LOOKS[one.outcome];
        const [start, end, waited] = [starts[index]!, ends[index]!, waits[index] ?? 0];
        // Earlier attempts may be hidden; time before the first shown attempt is not on the track.
        const waitedFrom = Math.max(first, start - waited);
        const waitedText = waited > 0 ? `waited ${duration(waited)}` : null;
        const ran = `${fullTime(start, zone.value)} to ${one.endedAt === null ? "now" : fullTime(end, zone.value)}`;
        return (
          <li key={one.id} data-tone={tone} data-outcome={one.outcome} data-history={one.isHistory}>
            <span>
              <span class="glyph" role="img" aria-label={word}>
                {glyph}
              </span>{" "}
              {labels.get(one.stage) ?? <Name text={one.stage} />}
              {one.attempt !== null && one.attempt > 1 && <span class="soft"> attempt {one.attempt}</span>}
              {hasRuns && one.run !== null && <span class="soft"> run {one.run}</span>}
            </span>
            <span class="track" title={waitedText === null ? ran : `${waitedText}, then ${ran}`}>
              {waitedFrom < start && (
                <span
                  class="attempt-wait"
                  style={{ insetInlineStart: share(waitedFrom - first), inlineSize: share(start - waitedFrom) }}
                />
              )}
              <span
                class="track-bar attempt-bar"
                style={{
                  // An attempt that began last and took no time must still be visible at the end of the track.
                  insetInlineStart: `min(${share(start - first)}, 100% - 3px)`,
                  inlineSize: share(end - start),
                }}
              />
            </span>
            <span class="attempt-text">
              {waitedText !== null && `${waitedText} · `}
              {clock(start, zone.value)} · {duration(one.durationMs ?? end - start)}
              {one.host !== null && (
                <>
                  {" "}
                  · <Name text={one.host} />
                </>
              )}
            </span>
            <span class="attempt-actions">
              {one.startId !== null && (
                <button type="button" class="button quiet" onClick={() => showEvent(one.startId ?? 0, "payload")}>
                  Payload
                </button>
              )}
              {one.endId !== null && (
                <button type="button" class="button quiet" onClick={() => showEvent(one.endId ?? 0, "response")}>
                  Response
                </button>
              )}
              <button
                type="button"
                class="button quiet"
                aria-pressed={chosen.some(({ id }) => id === one.id)}
                onClick={() => choose(one)}
              >
                Compare
              </button>
            </span>
            {one.isHistory && (
              <span class="attempt-note">
                Arrived after a newer run had begun: it is shown here and counts nowhere.
              </span>
            )}
            {one.message !== null && (
              <span class="attempt-message">
                <Folded text={one.message} />
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** The differences between two attempts, line by line. */
function Comparison({ left, right, labels }: { left: Attempt; right: Attempt; labels: ReadonlyMap<string, string> }) {
  const shown = useSignal<{ title: string; lines: DiffLine[] }[] | string>("Loading …");
  useEffect(() => {
    const controller = new AbortController();
    const text = async (id: number | null, what: "payload" | "response"): Promise<string> => {
      if (id === null) return "";
      const event = await fetchEvent(id, controller.signal);
      return pretty(event[what] ?? event.errorMessage ?? "");
    };
    const load = async (): Promise<void> => {
      const [a, b, c, d] = await Promise.all([
        text(left.startId ?? left.endId, "payload"),
        text(right.startId ?? right.endId, "payload"),
        text(left.endId, "response"),
        text(right.endId, "response"),
      ]);
      shown.value = [
        { title: "Payload", lines: diffLines(a, b) },
        { title: "Response", lines: diffLines(c, d) },
      ];
    };
    load().catch((error: unknown) => {
      if (!controller.signal.aborted) shown.value = error instanceof Error ? error.message : String(error);
    });
    return () => controller.abort();
  }, [left.id, left.endId, right.id, right.endId]);
  const name = (one: Attempt): string =>
    `${labels.get(one.stage) ?? visible(one.stage)}, attempt ${one.attempt ?? "?"}`;
  return (
    <section class="comparison" aria-label="Comparison" data-testid="comparison">
      <h3>
        <span class="diff-gone">− {name(left)}</span> <span class="diff-new">+ {name(right)}</span>
      </h3>
      {typeof shown.value === "string" ? (
        <p class="soft">{shown.value}</p>
      ) : (
        shown.value.map(({ title, lines }) => (
          <div key={title}>
            <h4>{title}</h4>
            {lines.every(({ kind }) => kind === "same") ? (
              <p class="soft">No difference.</p>
            ) : (
              <pre class="plain" tabindex={0}>
                {lines.map(({ kind, text }, index) => (
                  <span key={index} class={kind === "same" ? undefined : `diff-${kind}`}>
                    {kind === "same" ? "  " : kind === "gone" ? "− " : "+ "}
                    {text}
                    {"\n"}
                  </span>
                ))}
              </pre>
            )}
          </div>
        ))
      )}
    </section>
  );
}

/** Numbers stay as they were written, so that two that differ in their last digit are a difference. */
function pretty(text: string): string {
  const json = readJson(text);
  return json ? writeJson(json.root) : text;
}
