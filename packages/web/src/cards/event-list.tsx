import type { LogEvent } from "@cofi/event-log/events";
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { memo } from "preact/compat";
import { useLayoutEffect, useRef } from "preact/hooks";
import { EMPTY_FEED, shortMessage, type Feed } from "../feed/feed.js";
import { clock, duration, fullTime, number } from "../text/format.js";
import { isDialogUp, showEvent } from "../choices/place.js";
import { zone } from "../choices/preferences.js";
import type { Zone } from "../text/zones.js";
import { moveFocus } from "../shared/row-keys.js";
import { eventLook } from "../shared/status.js";
import { CutName, Escaped, Name } from "../shared/name.js";
import { visible } from "../text/names.js";

interface Props {
  feed: ReadonlySignal<Feed>;
  stage: string;
  label: string;
}

/**
 * The last events of a stage. Rows never move under the pointer, the focus or a reader that scrolled down; new events wait
 * behind a button.
 */
export function EventList({ feed, stage, label }: Props) {
  const isHovered = useSignal(false);
  const isFocused = useSignal(false);
  const isScrolled = useSignal(false);
  const shown = useRef<Feed>(EMPTY_FEED);
  const isReleased = useRef(false);
  const latest = feed.value;
  const isHeld = isHovered.value || isFocused.value || isScrolled.value || isDialogUp.value;
  if (!isHeld || isReleased.current || shown.current.events.length === 0) shown.current = latest;
  isReleased.current = false;
  const waiting = latest.arrived - shown.current.arrived;
  const list = useRef<HTMLDivElement>(null);
  const redraw = useSignal(0);
  const release = (): void => {
    isReleased.current = true;
    redraw.value++;
  };
  // After the new rows are drawn, the pressed button is removed; the focus must not be lost.
  useLayoutEffect(() => {
    if (redraw.value === 0) return;
    list.current?.scrollTo({ top: 0 });
    list.current?.querySelector<HTMLElement>(".row")?.focus({ preventScroll: true });
  }, [redraw.value]);
  return (
    <div
      class="events"
      onPointerEnter={(event) => (isHovered.value = event.pointerType === "mouse")}
      onPointerLeave={() => (isHovered.value = false)}
      // Only for the keyboard: a click leaves the focus behind when the pointer moves away.
      onFocusIn={(event) => (isFocused.value = (event.target as Element).matches(":focus-visible"))}
      onFocusOut={(event) => (isFocused.value &&= event.currentTarget.contains(event.relatedTarget as Node | null))}
    >
      {waiting > 0 && (
        <button type="button" class="new-events" onClick={release} data-testid="new-events">
          {number(waiting)} new
        </button>
      )}
      <div
        class="events-scroll"
        onScroll={(event) => (isScrolled.value = event.currentTarget.scrollTop > 8)}
        ref={list}
        onKeyDown={moveFocus}
        role="group"
        aria-label={`${label}: latest events`}
      >
        {shown.current.events.length === 0 ? (
          <p class="events-none">No events yet</p>
        ) : (
          <ol data-events={stage} style={{ "--count": shown.current.events.length }}>
            {shown.current.events.map((event, index) => (
              // By a transform: a row that makes room for a newer one does not move the layout of the page.
              <li key={event.id} style={{ "--at": index }}>
                <Row event={event} zone={zone.value} isEntrance={index === 0} />
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  );
}

interface RowProps {
  event: LogEvent;
  zone: Zone;
  /** The one row of the list that Tab reaches; arrow keys continue from there. */
  isEntrance: boolean;
}

const Row = memo(function Row({ event, zone: shownZone, isEntrance }: RowProps) {
  const { glyph, word, tone } = eventLook(event);
  const message = shortMessage(event);
  // The first line names the subject of the event: its file, else its message.
  const subject = event.fileName ?? (message || word);
  const remark = event.fileName === null ? "" : message;
  const { gpuIp, attempt, durationMs } = event;
  return (
    <button
      type="button"
      class="row"
      tabindex={isEntrance ? 0 : -1}
      data-event-id={event.id}
      data-event-type={event.eventType}
      data-tone={tone}
      title={`${word}, ${fullTime(event.timestamp, shownZone)}${message === "" ? "" : `\n${visible(message)}`}`}
      onClick={() => showEvent(event.id)}
    >
      <time class="row-time">{clock(event.timestamp, shownZone)}</time>
      <span class="glyph" role="img" aria-label={word}>
        {glyph}
      </span>
      <span class="row-file">{event.fileName === null ? <Escaped text={subject} /> : <CutName text={subject} />}</span>
      <span class="row-duration">{durationMs === null ? "" : duration(durationMs)}</span>
      <span class="row-more">
        {gpuIp !== null && <Name text={gpuIp} />}
        {attempt !== null && (
          <span class="row-attempt" data-again={attempt > 1 ? "" : undefined}>
            attempt {attempt}
          </span>
        )}
        {remark !== "" && (
          <span class="row-message">
            <Escaped text={remark} />
          </span>
        )}
      </span>
    </button>
  );
});
