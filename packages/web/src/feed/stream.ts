/**
 * The stream of a tab: one of its own, or one that it shares with the other tabs of the browser, as the worker decides. It takes
 * the place of an EventSource.
 */
import { STREAM_EVENTS, type FromTab, type StreamEvent, type ToTab } from "./stream-messages.js";

/** As much of an EventSource as the page uses. */
export interface Stream {
  readonly readyState: number;
  addEventListener(type: StreamEvent["type"], listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

/** ms between two questions to the worker. */
const PING_MS = 15_000;
/** A worker that does not answer within so many ms is gone. */
const ANSWER_MS = 3_000;

/** null: there is none, as in browsers of some phones, or it is gone; undefined: no stream was opened yet. */
let worker: SharedWorker | null | undefined;
let answerTimer: ReturnType<typeof setTimeout> | undefined;
let current: TabStream | null = null;

/** Opens the one stream of this tab; the previous one must be closed. @param url absolute */
export function openStream(url: string): Stream {
  if (worker === undefined) startWorker();
  current = new TabStream(url);
  return current;
}

function startWorker(): void {
  worker = null;
  document.addEventListener("visibilitychange", () => {
    current?.lookedAt();
    say({ isVisible: !document.hidden });
    // A hidden page may be frozen before it reads the answer.
    if (!document.hidden) say({ ping: true });
  });
  if (!("SharedWorker" in globalThis)) return;
  worker = new SharedWorker(new URL("./stream-worker.ts", import.meta.url), { type: "module", name: "cofi-streams" });
  worker.addEventListener("error", loseWorker);
  worker.port.addEventListener("message", ({ data }: MessageEvent<ToTab>) => {
    stopTimer();
    if (!("pong" in data)) current?.hear(data);
    else if (!data.isKnown) current?.ask();
  });
  worker.port.start();
  say({ isVisible: !document.hidden });
  setInterval(() => say({ ping: true }), PING_MS);
  // A page that the browser keeps for the back button must not keep a stream.
  addEventListener("pagehide", () => {
    say({ close: true });
    stopTimer();
  });
  addEventListener("pageshow", ({ persisted }) => persisted && current?.ask());
}

function say(message: FromTab): void {
  if (!worker) return;
  if ("open" in message || "ping" in message) answerTimer ??= setTimeout(loseWorker, ANSWER_MS);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port leads to one place
  worker.port.postMessage(message);
}

function stopTimer(): void {
  clearTimeout(answerTimer);
  answerTimer = undefined;
}

function loseWorker(): void {
  stopTimer();
  // It may be slow, not gone.
  say({ close: true });
  worker = null;
  current?.ask();
}

let requests = 0;

class TabStream implements Stream {
  readonly #url: URL;
  readonly #target = new EventTarget();
  #request = 0;
  /** null while the stream is a shared one. */
  #own: EventSource | null = null;
  #readyState: number = EventSource.CONNECTING;

  constructor(url: string) {
    this.#url = new URL(url);
    this.ask();
  }

  get readyState(): number {
    return this.#readyState;
  }

  addEventListener(type: StreamEvent["type"], listener: (event: MessageEvent<string>) => void): void {
    this.#target.addEventListener(type, (event) => listener(event as MessageEvent<string>));
  }

  close(): void {
    this.#own?.close();
    this.#own = null;
    this.#readyState = EventSource.CLOSED;
    if (current !== this) return;
    current = null;
    say({ close: true });
  }

  /** Asks the worker for the stream, from the last event on. */
  ask(): void {
    this.#own?.close();
    this.#own = null;
    this.#readyState = EventSource.CONNECTING;
    this.#request = ++requests;
    if (worker) say({ open: this.#url.href, request: this.#request });
    else if (!document.hidden) this.#openOwn();
  }

  /** Without a worker a tab lets go of its connection while nobody looks at it. */
  lookedAt(): void {
    if (worker) return;
    if (!document.hidden && !this.#own) return this.ask();
    if (!document.hidden) return;
    this.#own?.close();
    this.#own = null;
    this.#readyState = EventSource.CONNECTING;
  }

  hear(message: Exclude<ToTab, { pong: true }>): void {
    if (message.request !== this.#request) return;
    if ("type" in message) this.#take(message);
    else if (!message.isShared) this.#openOwn();
  }

  #openOwn(): void {
    const source = new EventSource(this.#url);
    this.#own = source;
    for (const type of STREAM_EVENTS) {
      source.addEventListener(type, (event) => {
        if (source === this.#own) this.#take({ type, ...partsOf(source, event) });
      });
    }
  }

  #take({ type, readyState, data, lastEventId }: StreamEvent): void {
    this.#readyState = readyState;
    if (lastEventId !== "") this.#url.searchParams.set("lastEventId", lastEventId);
    this.#target.dispatchEvent(new MessageEvent(type, { data, lastEventId }));
  }
}

/** The parts of an event that listeners get; `open` and `error` have only the state. */
function partsOf({ readyState }: EventSource, event: Event): Omit<StreamEvent, "type"> {
  const { data = "", lastEventId = "" } = event as Partial<MessageEvent<string>>;
  return { readyState, data, lastEventId };
}
