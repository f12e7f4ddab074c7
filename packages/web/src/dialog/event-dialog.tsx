/** Shows one event with all its fields. The open dialog reads no live data, so nothing moves in it. */
import type { LogEventDetail } from "@cofi/event-log/events";
import { batch, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { fetchCounterpart, fetchEvent, fetchNewer, fetchOlder, revealEvent } from "../feed/api.js";
import type { LiveState } from "../feed/live-state.js";
import { closeEvent, isDialogUp, openEvent, openPart, showEvent } from "../choices/place.js";
import { EventFields } from "./event-fields.js";
import { Icon } from "../shared/icons.js";
import { Masked } from "../shared/masked.js";
import { PayloadView } from "./payload-view.js";
import { eventLook } from "../shared/status.js";
import { Message, Name } from "../shared/name.js";

type Shown = { kind: "loading" } | { kind: "error"; message: string } | { kind: "event"; event: LogEventDetail };

export function EventDialog({ state }: { state: LiveState }) {
  const id = openEvent.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const lastShown = useRef<number | null>(null);
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (id !== null && !element.open) {
      isDialogUp.value = true;
      element.showModal();
    }
    if (id === null && element.open) {
      element.close();
      returnFocus(lastShown.current, state);
      isDialogUp.value = false;
    }
    if (id !== null) lastShown.current = id;
  }, [id]);
  return (
    <dialog
      ref={dialog}
      class="event-dialog"
      aria-labelledby="event-title"
      onCancel={(event) => {
        event.preventDefault();
        closeEvent();
      }}
      onClose={closeEvent}
      onClick={(event) => event.target === dialog.current && closeEvent()}
    >
      {id !== null && <DialogBody id={id} state={state} />}
    </dialog>
  );
}

/** Returns the focus to the row of the last shown event; if the row has left its list, to the list of its stage. */
function returnFocus(id: number | null, state: LiveState): void {
  const row = document.querySelector<HTMLElement>(`[data-event-id="${id}"]`);
  const stage = state.stages.peek().find(({ feed }) => feed.peek().events.some((event) => event.id === id));
  const list = stage && document.getElementById(`stage-${stage.summary.peek().stage}`);
  (row ?? list ?? document.getElementById("stages"))?.focus();
}

function DialogBody({ id, state }: { id: number; state: LiveState }) {
  const shown = useSignal<Shown>({ kind: "loading" });
  const counterpart = useSignal<LogEventDetail | null>(null);
  const neighbours = useSignal<{ older: number | null; newer: number | null }>({ older: null, newer: null });
  useSignalEffect(() => {
    const wanted = openEvent.value;
    if (wanted === null) return undefined;
    const controller = new AbortController();
    void load(wanted, controller.signal);
    return () => controller.abort();
  });

  async function load(wanted: number, signal: AbortSignal): Promise<void> {
    try {
      const event = await fetchEvent(wanted, signal);
      batch(() => {
        shown.value = { kind: "event", event };
        counterpart.value = null;
      });
      const [older, newer, other] = await Promise.all([
        fetchOlder(event, signal),
        fetchNewer(event, signal),
        fetchCounterpart(event, signal),
      ]);
      counterpart.value = other;
      neighbours.value = { older, newer };
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      if (shown.peek().kind !== "event") shown.value = { kind: "error", message };
      neighbours.value = { older: null, newer: null };
    }
  }

  /** The event and the other half of its attempt, each with an entry of the access log. */
  async function reveal(reason: string): Promise<void> {
    const now = shown.peek();
    if (now.kind !== "event") return;
    const event = await revealEvent(now.event.id, reason);
    if (shown.peek() === now) shown.value = { kind: "event", event };
    const other = counterpart.peek();
    if (!other?.masked || (other.payload === null && other.response === null)) return;
    const revealed = await revealEvent(other.id, reason);
    if (counterpart.peek() === other) counterpart.value = revealed;
  }

  const content = shown.value;
  const isCurrent = content.kind === "event" && content.event.id === id;
  const { older, newer } = neighbours.value;
  return (
    <div class="dialog-body" aria-busy={content.kind === "loading"} data-shown={isCurrent ? id : undefined}>
      <header class="dialog-head">
        <DialogTitle id={id} content={content} />
        <Move name="previous" label="Previous event of the stage" to={isCurrent ? older : null} />
        <Move name="next" label="Next event of the stage" to={isCurrent ? newer : null} />
        <button type="button" class="button quiet square" aria-label="Close" onClick={closeEvent}>
          <Icon name="close" />
        </button>
      </header>
      <div class="dialog-scroll" tabindex={0} role="group" aria-label="Event">
        {content.kind === "loading" && <p class="soft">Reading the event …</p>}
        {content.kind === "error" && (
          <p class="remark" data-tone="bad" role="alert">
            {content.message}
          </p>
        )}
        {content.kind === "event" && (
          <>
            {content.event.masked && <Masked reveal={reveal} />}
            <EventContent key={content.event.id} event={content.event} counterpart={counterpart.value} state={state} />
          </>
        )}
      </div>
    </div>
  );
}

function DialogTitle({ id, content }: { id: number; content: Shown }) {
  if (content.kind !== "event") return <h2 id="event-title">Event {id}</h2>;
  const { event } = content;
  const { glyph, word, tone } = eventLook(event);
  return (
    <h2 id="event-title">
      <span class="glyph" data-tone={tone} aria-hidden="true">
        {glyph}
      </span>{" "}
      {word}
      {event.fileName !== null && (
        <span class="dialog-file">
          <Name text={event.fileName} />
        </span>
      )}
      <span class="soft"> event {event.id}</span>
    </h2>
  );
}

function Move({ name, label, to }: { name: "previous" | "next"; label: string; to: number | null }) {
  // aria-disabled, so that the focus stays on the button when the end is reached.
  return (
    <button
      type="button"
      class="button quiet square"
      aria-label={label}
      title={label}
      aria-disabled={to === null}
      onClick={() => to !== null && showEvent(to, openPart.peek())}
      data-testid={`${name}-event`}
    >
      <Icon name={name} />
    </button>
  );
}

interface ContentProps {
  event: LogEventDetail;
  /** The start of the attempt whose outcome the event is, or the other way round. */
  counterpart: LogEventDetail | null;
  state: LiveState;
}

function EventContent({ event, counterpart, state }: ContentProps) {
  const stage = state.stages.peek().find(({ summary }) => summary.peek().stage === event.stage);
  const asked = event.payload === null && counterpart?.payload ? counterpart : event;
  const answered = event.response === null && counterpart?.response ? counterpart : event;
  const fileName = `batch-${event.batchId}-event-${event.id}`;
  const parts = useRef<HTMLDivElement>(null);
  const part = openPart.value;
  // Again when the other half of the attempt arrives, because the payload stands above the response.
  useLayoutEffect(() => {
    const section = part && parts.current?.querySelector<HTMLElement>(`[data-testid="${part}"]`);
    section?.scrollIntoView({ block: "start" });
    section?.focus({ preventScroll: true });
  }, [part, counterpart?.id]);
  return (
    <div class="event-parts" ref={parts}>
      {event.errorMessage !== null && (
        <pre class="remark dialog-error" data-tone="bad">
          <Message text={event.errorMessage} />
        </pre>
      )}
      <EventFields event={event} label={stage?.summary.peek().label ?? null} />
      <PayloadView
        title="Payload"
        note={asked === event ? null : `of event ${asked.id}, the start of this attempt`}
        text={asked.payload}
        size={asked.payloadBytes}
        cut={asked.payloadCut}
        fileName={fileName}
      />
      <PayloadView
        title="Response"
        note={answered === event ? null : `of event ${answered.id}, the end of this attempt`}
        text={answered.response}
        size={answered.responseBytes}
        cut={answered.responseCut}
        fileName={fileName}
      />
    </div>
  );
}
