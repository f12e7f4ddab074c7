/** Draws the attempts at a file. */
import type { WorkRun } from "@cofi/views/detail/shapes";
import { Fragment } from "preact";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { Folded } from "../../shared/folded.js";
import { Name } from "../../shared/name.js";
import { clock, dayAndTime, duration, fullTime } from "../../text/format.js";
import { FILE_LOOKS } from "../file-look.js";
import { timeScale } from "../time-scale.js";
import type { PlacedAttempt } from "./attempts.js";

const LOOKS = {
  ...FILE_LOOKS,
  retrying: { ...FILE_LOOKS.retrying, word: "failed, retried" },
  cut: { glyph: "⊘", word: "cut off", tone: "idle" },
} as const;

interface AttemptsProps {
  attempts: readonly PlacedAttempt[];
  /** Waiting time before each attempt in ms; null where unknown. */
  waits: readonly (number | null)[];
  labels: ReadonlyMap<string, string>;
  /** Of the batch. */
  runs: readonly WorkRun[];
  /** False when there may be attempts before the first of these. */
  isWhole: boolean;
  chosen: readonly PlacedAttempt[];
  choose: (one: PlacedAttempt) => void;
  now: number;
}

/** The attempts on one line of time, those of each run of the batch under its heading. */
export function Attempts({ attempts, waits, labels, runs, isWhole, chosen, choose, now }: AttemptsProps) {
  const starts = attempts.map(({ startedAt, endedAt }) => Date.parse(startedAt ?? endedAt ?? ""));
  const ends = attempts.map(({ endedAt }, index) =>
    endedAt === null ? now : Math.max(Date.parse(endedAt), starts[index]!),
  );
  const first = Math.min(...starts);
  const scale = timeScale(
    runs.map(({ startedAt, endedAt }) => ({
      from: Date.parse(startedAt),
      to: endedAt === null ? Math.max(now, Date.parse(startedAt)) : Date.parse(endedAt),
    })),
    first,
    Math.max(first + 1, ...ends),
  );
  const share = (from: number, to: number): string => `${(scale.at(to) - scale.at(from)) * 100}%`;
  return (
    <ol class="attempts">
      {attempts.map((one, index) => {
        const { glyph, word, tone } = LOOKS[one.outcome];
        const [start, end, waited] = [starts[index]!, ends[index]!, waits[index] ?? 0];
        // Earlier attempts may be hidden; time before the first shown attempt is not on the track.
        const waitedFrom = Math.max(first, start - waited);
        const waitedText = waited > 0 ? `waited ${duration(waited)}` : null;
        const ran = `${fullTime(start, zone.value)} to ${one.endedAt === null ? "now" : fullTime(end, zone.value)}`;
        const isFirstOfRun = runs.length > 1 && one.inRun !== attempts[index - 1]?.inRun;
        return (
          <Fragment key={one.id}>
            {isFirstOfRun && <RunHeading runs={runs} index={one.inRun} />}
            <li data-tone={tone} data-outcome={one.outcome} data-history={one.isHistory}>
              <span>
                <span class="glyph" role="img" aria-label={word}>
                  {glyph}
                </span>{" "}
                {labels.get(one.stage) ?? <Name text={one.stage} />}
                <span class="soft">{placeText(one, isWhole)}</span>
              </span>
              <span class="track" title={waitedText === null ? ran : `${waitedText}, then ${ran}`}>
                {waitedFrom < start && (
                  <span
                    class="attempt-wait"
                    style={{ insetInlineStart: share(first, waitedFrom), inlineSize: share(waitedFrom, start) }}
                  />
                )}
                <span
                  class="track-bar attempt-bar"
                  style={{
                    // An attempt that began last and took no time must still be visible at the end of the track.
                    insetInlineStart: `min(${share(first, start)}, 100% - 3px)`,
                    inlineSize: share(start, end),
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
              {one.said.map((line) => (
                <span class="attempt-note" key={line}>
                  <Folded text={line} />
                </span>
              ))}
              {one.message !== null && (
                <span class="attempt-message">
                  <Folded text={one.message} />
                </span>
              )}
            </li>
          </Fragment>
        );
      })}
    </ol>
  );
}

/** ` attempt 2 of 3`; nothing for the only one. */
function placeText({ number, of, attempt, isHistory }: PlacedAttempt, isWhole: boolean): string {
  if (isHistory || !isWhole) return attempt === null ? "" : ` attempt ${attempt}`;
  return of > 1 ? ` attempt ${number} of ${of}` : "";
}

function RunHeading({ runs, index }: { runs: readonly WorkRun[]; index: number }) {
  const { run, startedAt } = runs[index]!;
  const before = runs[index - 1]?.endedAt ?? null;
  const pause = before === null ? 0 : Date.parse(startedAt) - Date.parse(before);
  return (
    <li class="attempt-run">
      Run {run ?? index + 1}, {dayAndTime(startedAt, zone.value)}
      {pause > 0 && `, after a pause of ${duration(pause)}`}
    </li>
  );
}
