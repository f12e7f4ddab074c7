/**
 * Shares streams among the tabs of a browser. Over HTTP/1.1 a browser opens at most six connections to a server, so tabs that
 * each held one would keep the seventh from loading. The first tabs have streams of their own; the others share one for each
 * batch. Where these are more than may be held, the ones that were looked at last hold theirs, and the others take turns, for a
 * snapshot at a time.
 */
import { STREAM_EVENTS, type FromTab, type StreamEvent, type ToTab } from "./stream-messages.js";

/** Tabs with a stream of their own, and streams that are held for the others: the rest is for everything else. */
const OWN = 2;
const HELD = 2;
/** ms after which a turn ends though no snapshot came, and in which each of those that take turns has one. */
const TURN_MS = { most: 5_000, each: 1_000 };
/** ms after which a tab that says nothing is gone or frozen. Browsers let hidden tabs say something once a minute. */
const SILENCE_MS = 180_000;

interface Tab {
  readonly port: MessagePort;
  request: number;
  place: "own" | SharedStream | null;
  isVisible: boolean;
  shownAt: number;
  heardAt: number;
}

/** What the tabs of one batch get. */
interface SharedStream {
  /** Without the id of the last event. */
  readonly address: string;
  readonly tabs: Set<Tab>;
  source: EventSource | null;
  lastEventId: string;
  /** What this connection has said before its snapshot, for tabs that join. */
  heard: StreamEvent[];
  /** A tab that joins now has missed the snapshot. */
  hasGivenSnapshot: boolean;
  isHeld: boolean;
  endTurn: () => void;
}

const tabs = new Set<Tab>();
const streams = new Map<string, SharedStream>();
let isTakingTurns = false;

addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const now = performance.now();
  const tab: Tab = { port, request: 0, place: null, isVisible: true, shownAt: now, heardAt: now };
  port.addEventListener("message", ({ data }: MessageEvent<FromTab>) => {
    tab.heardAt = performance.now();
    hear(tab, data);
  });
  port.start();
});

function hear(tab: Tab, message: FromTab): void {
  if ("ping" in message) {
    say(tab, { pong: true, isKnown: tab.place !== null });
    return forgetSilent();
  }
  if ("isVisible" in message) {
    tab.isVisible = message.isVisible;
    if (message.isVisible) tab.shownAt = performance.now();
    return share();
  }
  leave(tab);
  if ("open" in message) join(tab, new URL(message.open), message.request);
  share();
}

function say(tab: Tab, message: ToTab): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port leads to one place
  tab.port.postMessage(message);
}

function forgetSilent(): void {
  const silentSince = performance.now() - SILENCE_MS;
  for (const tab of tabs) if (tab.heardAt < silentSince) leave(tab);
  share();
}

function leave(tab: Tab): void {
  tabs.delete(tab);
  if (tab.place !== null && tab.place !== "own") tab.place.tabs.delete(tab);
  tab.place = null;
}

function join(tab: Tab, url: URL, request: number): void {
  tab.request = request;
  const ownStreams = [...tabs].filter(({ place }) => place === "own").length;
  tabs.add(tab);
  if (ownStreams < OWN) {
    tab.place = "own";
    return say(tab, { isShared: false, request });
  }
  say(tab, { isShared: true, request });
  const lastEventId = url.searchParams.get("lastEventId") ?? "";
  url.searchParams.delete("lastEventId");
  let stream = streams.get(url.href);
  if (!stream) {
    stream = {
      address: url.href,
      tabs: new Set(),
      source: null,
      lastEventId,
      heard: [],
      hasGivenSnapshot: false,
      isHeld: false,
      endTurn: () => undefined,
    };
    streams.set(url.href, stream);
  }
  stream.tabs.add(tab);
  tab.place = stream;
  const { source } = stream;
  if (source?.readyState === EventSource.CLOSED) connect(stream, "continue");
  // Each connection begins with a snapshot: the tabs that are there get another one.
  else if (stream.hasGivenSnapshot) connect(stream, "anew");
  else for (const heard of stream.heard) say(tab, { ...heard, request });
}

/** Gives the streams that may be held their connections, and takes them from the others. */
function share(): void {
  for (const [address, stream] of streams) {
    if (stream.tabs.size > 0) continue;
    letGo(stream);
    streams.delete(address);
    stream.endTurn();
  }
  const byUse = [...streams.values()].toSorted((a, b) => lastUse(b) - lastUse(a));
  const held = byUse.length <= HELD ? HELD : HELD - 1;
  for (const [place, stream] of byUse.entries()) {
    const wasHeld = stream.isHeld;
    stream.isHeld = place < held;
    if (stream.isHeld && !stream.source) connect(stream, "continue");
    if (wasHeld && !stream.isHeld) letGo(stream);
  }
  if (byUse.length > held && !isTakingTurns) void takeTurns();
}

/** Streams that somebody looks at come before all others. */
function lastUse(stream: SharedStream): number {
  return Math.max(...[...stream.tabs].map(({ isVisible, shownAt }) => (isVisible ? 1e12 : 0) + shownAt));
}

async function takeTurns(): Promise<void> {
  isTakingTurns = true;
  for (;;) {
    const waiting = [...streams.values()].filter(({ isHeld }) => !isHeld);
    if (waiting.length === 0) break;
    for (const stream of waiting) {
      if (stream.isHeld || stream.tabs.size === 0) continue;
      await turnOf(stream);
      await new Promise((resolve) => setTimeout(resolve, TURN_MS.each / waiting.length));
    }
  }
  isTakingTurns = false;
}

async function turnOf(stream: SharedStream): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, TURN_MS.most);
    stream.endTurn = () => {
      clearTimeout(timer);
      resolve();
    };
    connect(stream, "anew");
  });
  // It may be held by now.
  if (!stream.isHeld) letGo(stream);
}

/** `anew`: without what was missed, where only the snapshot is wanted. */
function connect(stream: SharedStream, how: "continue" | "anew"): void {
  letGo(stream);
  const url = new URL(stream.address);
  if (how === "continue" && stream.lastEventId !== "") url.searchParams.set("lastEventId", stream.lastEventId);
  const source = new EventSource(url);
  stream.source = source;
  for (const type of STREAM_EVENTS) source.addEventListener(type, (event) => pass(stream, source, type, event));
}

function letGo(stream: SharedStream): void {
  stream.source?.close();
  stream.source = null;
  stream.heard = [];
  stream.hasGivenSnapshot = false;
}

function pass(stream: SharedStream, source: EventSource, type: (typeof STREAM_EVENTS)[number], event: Event): void {
  if (source !== stream.source) return;
  const { data = "", lastEventId = "" } = event as Partial<MessageEvent<string>>;
  const { readyState } = source;
  if (lastEventId !== "") stream.lastEventId = lastEventId;
  if (type === "snapshot") stream.hasGivenSnapshot = true;
  const said = { type, readyState, data, lastEventId };
  for (const tab of stream.tabs) say(tab, { ...said, request: tab.request });
  if (stream.hasGivenSnapshot) stream.heard = [];
  else stream.heard = type === "error" ? [said] : [...stream.heard, said];
  if (type === "snapshot" || readyState === EventSource.CLOSED) stream.endTurn();
}
