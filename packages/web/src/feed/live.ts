/**
 * The live feed: a stream that reconnects by itself. The browser retries while the server answers with a stream. When the
 * browser gives up (readyState CLOSED: an HTTP error, a proxy's 502), this class finds the reason and connects again with the
 * last event id.
 */
import type { Frame, Snapshot } from "@cofi/event-log/events";
import { batch as together } from "@preact/signals";
import { ApiError, fetchBatch, fetchHealth } from "./api.js";
import { LiveState } from "./live-state.js";
import { retryMs } from "./retry.js";
import { openStream, type Stream } from "./stream.js";

const FLUSH_MS = 100;
/** A stream that is silent for this long is checked, because an EventSource does not show heartbeats, which are comments. */
const SILENCE_MS = 5_000;
/** Unanswered checks after which an open stream counts as dead. */
const CHECKS_BEFORE_RECONNECT = 2;

export class LiveFeed {
  readonly state = new LiveState();
  #source: Stream | null = null;
  #batchId: number | null = null;
  #lastEventId = "";
  #queue: (Snapshot | Frame)[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #failedChecks = 0;
  #checking = false;

  constructor() {
    setInterval(() => void this.#check(), SILENCE_MS / 2);
    addEventListener("online", () => this.#source || this.#connect());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.#check();
    });
  }

  /** Shows a batch; null follows the newest one. */
  follow(batchId: number | null): void {
    this.#batchId = batchId;
    // The page shows it already, as the newest; only the stream must stay with it from now on.
    if (batchId !== null && batchId === this.state.batch.peek()?.id) return this.retry();
    this.#lastEventId = "";
    this.#queue = [];
    this.state.clear();
    this.#say("connecting");
    this.#connect();
  }

  /** Freezes the page for reading. */
  pause(): void {
    this.#flush();
    this.state.pause(true);
  }

  /** Shows the current state. Events that came during the pause were not kept. */
  resume(): void {
    together(() => {
      this.state.pause(false);
      this.state.waiting.value = 0;
    });
    this.#lastEventId = "";
    this.#connect();
  }

  /** Connects now, as after the log-in. */
  retry(): void {
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    const query = new URLSearchParams();
    if (this.#batchId !== null) query.set("batch", String(this.#batchId));
    if (this.#lastEventId !== "") query.set("lastEventId", this.#lastEventId);
    const path = query.size > 0 ? `api/stream?${query}` : "api/stream";
    const source = openStream(new URL(path, document.baseURI).href);
    this.#source = source;
    this.#failedChecks = 0;
    source.addEventListener("snapshot", (message) => this.#take(message, true));
    source.addEventListener("events", (message) => this.#take(message, false));
    source.addEventListener("state", (message) => {
      const state = JSON.parse(message.data) as { database: string; detail: string };
      this.#heardAt = performance.now();
      this.state.databaseProblem.value = state.database === "ok" ? null : state.detail;
    });
    source.addEventListener("open", () => {
      this.#heardAt = performance.now();
      this.state.databaseProblem.value = null;
    });
    source.addEventListener("error", () => {
      if (source !== this.#source) return;
      if (this.state.connection.peek() === "live")
        this.#say("reconnecting", "The connection to the dashboard was lost.");
      if (source.readyState === EventSource.CLOSED) void this.#diagnose();
    });
  }

  #take(message: MessageEvent<string>, isSnapshot: boolean): void {
    this.#heardAt = performance.now();
    this.#failedChecks = 0;
    if (message.lastEventId !== "") this.#lastEventId = message.lastEventId;
    const data = JSON.parse(message.data) as Snapshot | Frame;
    if (this.state.paused.peek() && this.state.batch.peek() !== undefined) return this.state.count(data);
    // A snapshot replaces all waiting frames, except that their events may count as new.
    this.#queue.push(data);
    if (isSnapshot && this.state.batch.peek() === undefined) return this.#flush();
    // A timer instead of requestAnimationFrame, which never fires in a hidden tab, so the queue would grow.
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const queue = this.#queue;
    this.#queue = [];
    together(() => {
      let frames: Frame[] = [];
      for (const entry of queue) {
        if ("batchId" in entry) {
          frames.push(entry);
          continue;
        }
        this.state.takeFrames(frames);
        frames = [];
        this.state.takeSnapshot(entry);
        this.#say("live");
      }
      this.state.takeFrames(frames);
    });
  }

  /** Asks for the server's health, because silence may mean that nothing happens or that the connection is dead. */
  async #check(): Promise<void> {
    const source = this.#source;
    const isOpen = source?.readyState === EventSource.OPEN;
    if (!isOpen || this.#checking || document.hidden || performance.now() - this.#heardAt < SILENCE_MS) return;
    this.#checking = true;
    try {
      const health = await fetchHealth();
      if (source !== this.#source) return;
      this.#failedChecks = 0;
      this.state.databaseProblem.value = health.database === "ok" ? null : health.detail;
      const { connection, freshness } = this.state;
      if (connection.peek() !== "live" || health.database !== "ok" || !freshness.peek() || this.state.paused.peek())
        return;
      this.state.learn(this.state.serverNow() - (health.lagMs ?? 0));
    } catch (error) {
      if (source !== this.#source) return;
      // Any answer proves that the server is alive.
      this.#failedChecks = error instanceof ApiError ? 0 : this.#failedChecks + 1;
      if (error instanceof ApiError && error.status === 401) void this.#diagnose();
      else if (this.#failedChecks >= CHECKS_BEFORE_RECONNECT) {
        this.#say("reconnecting", "The dashboard does not answer.");
        this.#connect();
      }
    } finally {
      this.#checking = false;
    }
  }

  /** Finds out why the EventSource gave up, which it does not report. */
  async #diagnose(): Promise<void> {
    const source = this.#source;
    source?.close();
    this.#source = null;
    const chosen = this.#batchId;
    let reason = "The dashboard does not answer.";
    try {
      const health = await fetchHealth();
      this.state.databaseProblem.value = health.database === "ok" ? null : health.detail;
      reason = "The dashboard refused the stream; it may be starting, or have too many viewers.";
      if (chosen !== null) await fetchBatch(chosen);
    } catch (error) {
      if (this.#source !== null || this.#batchId !== chosen) return;
      if (error instanceof ApiError && error.status === 401) return this.#say("refused", error.message);
      if (error instanceof ApiError && error.status === 404) return this.#say("missing", error.message);
      if (error instanceof ApiError && error.status > 0) reason = error.message;
    }
    if (this.#source !== null || this.#batchId !== chosen) return;
    this.#say(this.state.batch.peek() === undefined ? "connecting" : "reconnecting", reason);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), retryMs(Math.random()));
  }

  #say(connection: LiveState["connection"]["value"], reason = ""): void {
    this.state.connection.value = connection;
    this.state.reason.value = reason;
  }
}
