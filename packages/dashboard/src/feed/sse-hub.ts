/**
 * The live feed to browsers: it knows the batch of each reader, catches readers up, and switches them to a new batch. A
 * reader with `Last-Event-ID` gets the missed events, or how many they are, then a snapshot, then the live frames; others start
 * with a snapshot.
 */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import { emptySnapshot } from "@cofi/views/empty-snapshot";
import type { Store } from "@cofi/event-log/store";
import type { Logger } from "pino";
import type { LiveView } from "./live-view.js";
import type { LiveViews } from "./live-views.js";
import { Preview } from "./preview.js";
import { MissedEvents } from "./missed-events.js";
import { SseChannel } from "./sse-channel.js";
import { SseMessage } from "./sse-message.js";
import { SseReader } from "./sse-reader.js";
import type { DatabaseState } from "@cofi/views/listener";
import type { Tail } from "@cofi/views/tail";

export interface SseHubOptions {
  eventsPerStage: number;
  /** Bytes that may wait for one slow reader. */
  bufferBytes: number;
  heartbeatMs: number;
  logger: Logger;
}

export interface Subscription {
  /** The batch to read; undefined: the newest, and each newer one as it starts. */
  batch?: number | undefined;
  /** Highest event id that the reader has with everything below it. */
  lastEventId?: number | undefined;
  /** The reader understands gzip: a tenth of the bytes. */
  gzip: boolean;
}

type ResponseHeaders = Readonly<Record<string, string | number | string[] | undefined>>;

interface Subscriber extends Subscription {
  readonly reader: SseReader;
  channel: SseChannel | null;
  /** The work for this reader, one step after the other. */
  work: Promise<void>;
}

const HEARTBEAT = new SseMessage(": still here\n\n");
/** All readers come back after a restart, so the times at which they do lie further apart than reading a batch takes. */
const RETRY_MS = { least: 1_000, spread: 6_000 };
const DATABASE_PAUSE_MS = 250;

export class SseHub {
  readonly #tail: Tail;
  readonly #views: LiveViews;
  readonly #missed: MissedEvents;
  readonly #options: SseHubOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #channels = new Map<number, SseChannel>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #newest: number | null;
  #closed = false;

  constructor(store: Store, tail: Tail, views: LiveViews, options: SseHubOptions) {
    this.#missed = new MissedEvents(store, tail);
    this.#tail = tail;
    this.#views = views;
    this.#options = options;
    this.#newest = tail.newestBatch?.id ?? null;
    this.#stopListening = tail.listen({
      batches: () => this.#followNewest(),
      state: (state) => this.#sayState(state),
      restarted: () => this.#startAgain(),
    });
    this.#heartbeat = setInterval(() => {
      for (const { reader } of this.#subscribers) reader.send(HEARTBEAT);
    }, options.heartbeatMs);
    this.#heartbeat.unref();
  }

  get readers(): number {
    return this.#subscribers.size;
  }

  /**
   * Takes over the response for good. The batch, if one is named, must exist: a stream of a missing batch is closed.
   * @param headers sent beside those of a stream
   */
  subscribe(response: ServerResponse, headers: ResponseHeaders, subscription: Subscription): void {
    const retry = RETRY_MS.least + Math.round(Math.random() * RETRY_MS.spread);
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    // The stream ends with its connection, so it needs no chunks, and each message is one write of the same bytes for all.
    response.removeHeader("Transfer-Encoding");
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      Connection: "close",
      "X-Accel-Buffering": "no",
      Vary: "Accept-Encoding",
      ...(subscription.gzip && { "Content-Encoding": "gzip" }),
    });
    response.socket?.setNoDelay(true);
    const reader = new SseReader(response, { gzip: subscription.gzip, limit: this.#options.bufferBytes }, () =>
      this.#options.logger.warn("a reader of the stream is too slow and was cut off"),
    );
    // A comment, so that proxies and browsers see an open stream before the first event.
    reader.write(new SseMessage(`retry: ${retry}\n: open\n\n`));
    const subscriber: Subscriber = { ...subscription, reader, channel: null, work: Promise.resolve() };
    if (this.#closed) return reader.end();
    this.#subscribers.add(subscriber);
    response.on("close", () => {
      this.#subscribers.delete(subscriber);
      this.#leave(subscriber);
    });
    if (this.#tail.state.database !== "ok") reader.send(SseMessage.event("state", this.#tail.state));
    this.#queue(subscriber, () => this.#open(subscriber));
  }

  /** Ends every stream. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#stopListening();
    for (const { reader } of this.#subscribers) reader.end();
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #queue(subscriber: Subscriber, task: () => Promise<void>): void {
    subscriber.work = subscriber.work.then(task).catch((error: unknown) => {
      this.#options.logger.error({ err: error }, "a stream failed");
      subscriber.reader.end();
    });
  }

  #gone(subscriber: Subscriber): boolean {
    return this.#closed || subscriber.reader.closed;
  }

  /** Repeats `work` while the database is away; null when the reader left meanwhile. */
  async #persist<T>(subscriber: Subscriber, work: () => Promise<T>): Promise<T | null> {
    for (let tries = 0; !this.#gone(subscriber); tries++) {
      try {
        return await work();
      } catch (error) {
        if (this.#gone(subscriber)) return null;
        // The tail logs a lost database once; any other error must be logged here.
        const level = tries === 0 && !(error instanceof DatabaseUnavailableError) ? "error" : "debug";
        this.#options.logger[level]({ err: error }, "a stream waits for the database");
        await sleep(DATABASE_PAUSE_MS);
      }
    }
    return null;
  }

  async #open(subscriber: Subscriber): Promise<void> {
    if (this.#tail.highest < 0) await this.#persist(subscriber, () => this.#tail.refresh());
    // The newest batch as of now. While the database is away, the reader has been notified and gets the view in memory.
    else if (subscriber.batch === undefined) await this.#tail.refresh().catch(() => undefined);
    const batchId = subscriber.batch ?? this.#tail.newestBatch?.id;
    if (this.#gone(subscriber)) return;
    if (batchId === undefined) {
      const snapshot = emptySnapshot(new Date().toISOString(), this.#options.eventsPerStage);
      return subscriber.reader.send(SseMessage.event("snapshot", snapshot, this.#tail.lowWater));
    }
    const { reader } = subscriber;
    const isReturning = subscriber.lastEventId !== undefined;
    if ((subscriber.lastEventId ?? 0) > this.#tail.highest) subscriber.lastEventId = undefined;
    // The frames of the channel are kept back while the reader catches up, so that nothing is missed between the last
    // page and the first frame.
    const channel = await this.#enter(subscriber, batchId, (joined) =>
      subscriber.lastEventId === undefined ? reader.send(joined.snapshot()) : reader.hold(),
    );
    if (!channel) return reader.end();
    if (subscriber.lastEventId === undefined) return;
    const missed = await this.#sendMissed(subscriber, channel.view, subscriber.lastEventId);
    channel.flush();
    reader.release();
    reader.send(channel.snapshot(isReturning ? missed : null));
  }

  /** @returns how many events the reader has missed when they are too many to be sent */
  async #sendMissed(subscriber: Subscriber, view: LiveView, lastEventId: number): Promise<number | null> {
    const { reader } = subscriber;
    const read = <T>(query: () => Promise<T>): Promise<T | null> => this.#persist(subscriber, query);
    const tooMany = await read(() => this.#missed.tooMany(view.batchId, lastEventId));
    if (tooMany !== null) return tooMany;
    for await (const frame of this.#missed.frames(view, lastEventId, read)) {
      reader.write(frame);
      await reader.drained();
    }
    return null;
  }

  /**
   * Makes the subscriber a reader of the batch, instead of the one it read. `joined` is called in the same turn, when
   * the channel has no pending events, so every later event reaches the reader.
   * @returns null when the batch does not exist, or the reader has left
   */
  async #enter(
    subscriber: Subscriber,
    batchId: number,
    joined: (channel: SseChannel) => void,
  ): Promise<SseChannel | null> {
    const view = await this.#opened(subscriber, batchId);
    if (!view || this.#gone(subscriber)) return null;
    this.#leave(subscriber);
    const channel = this.#channels.get(batchId) ?? new SseChannel(view, () => this.#tail.lowWater);
    this.#channels.set(batchId, channel);
    channel.flush();
    channel.add(subscriber.reader);
    subscriber.channel = channel;
    joined(channel);
    return channel;
  }

  /**
   * Shows a new reader the SQL counts of a large batch until its view is replayed. The reader then catches up as one that
   * missed the events after the first of these previews.
   */
  async #opened(subscriber: Subscriber, batchId: number): Promise<LiveView | null> {
    const hasNothing = subscriber.lastEventId === undefined;
    let known: Preview | null = null;
    for (;;) {
      const opened: LiveView | Preview | null = await this.#persist(subscriber, () =>
        this.#views.openOrPreview(batchId, known),
      );
      if (!(opened instanceof Preview)) return opened;
      known = opened;
      if (this.#gone(subscriber)) return null;
      if (!hasNothing) continue;
      subscriber.reader.send(previewMessage(opened));
      subscriber.lastEventId ??= opened.lowWater;
    }
  }

  #leave(subscriber: Subscriber): void {
    const { channel } = subscriber;
    subscriber.channel = null;
    if (!channel) return;
    channel.remove(subscriber.reader);
    if (channel.size > 0) return;
    this.#channels.delete(channel.view.batchId);
    channel.close();
  }

  #followNewest(): void {
    const newest = this.#tail.newestBatch?.id ?? null;
    if (newest === null || newest === this.#newest) return;
    this.#newest = newest;
    for (const subscriber of this.#subscribers) {
      if (subscriber.batch === undefined) this.#queue(subscriber, () => this.#switchTo(subscriber, newest));
    }
  }

  async #switchTo(subscriber: Subscriber, batchId: number): Promise<void> {
    if (this.#newest !== batchId || subscriber.channel?.view.batchId === batchId) return;
    await this.#enter(subscriber, batchId, (joined) => subscriber.reader.send(joined.snapshot()));
  }

  /** Restarts every reader as a new one. */
  #startAgain(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
    this.#newest = null;
    for (const subscriber of this.#subscribers) {
      subscriber.channel = null;
      subscriber.lastEventId = undefined;
      this.#queue(subscriber, () => this.#open(subscriber));
    }
  }

  #sayState(state: DatabaseState): void {
    const message = SseMessage.event("state", state);
    for (const { reader } of this.#subscribers) reader.send(message);
  }
}

/** Serialised once for all readers that wait for the same batch. */
const previewMessages = new WeakMap<Preview, SseMessage>();

function previewMessage(preview: Preview): SseMessage {
  let message = previewMessages.get(preview);
  if (!message) {
    message = SseMessage.event("snapshot", preview.snapshot, preview.lowWater);
    previewMessages.set(preview, message);
  }
  return message;
}
