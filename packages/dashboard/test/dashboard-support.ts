/** A dashboard on a real database and port, and a browser's view of its stream. */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { EventSource } from "eventsource";
import { pino } from "pino";
import { inject } from "vitest";
import { LogKeeper } from "@cofi/access/log-keeper";
import type { DialectName } from "@cofi/event-log/database";
import { assertMigrated } from "@cofi/event-log/migrate";
import type { Frame, LogEvent, Problem, Snapshot, StageSummary } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { SigningKey } from "@cofi/evidence/seal-keys";
import { FolderRecordings } from "@cofi/pack/recordings";
import { createDashboard, type Dashboard } from "@cofi/dashboard/server";
import { RAW_AUDIO_DEFAULTS } from "@cofi/recordings/raw-audio";
import type { SoundPlaces } from "@cofi/dashboard/sound-places";
import { dashboardSettings } from "@cofi/dashboard/settings";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${ms} ms in vain: ${what}`);
    await pause(5);
  }
}

export interface Running {
  fresh: FreshDatabase;
  store: Store;
  url: string;
  /** Ends the dashboard and starts another on the same port. `between` runs while there is none. */
  restart(between?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** As the build writes it. */
const HEAD = `<link rel="icon" type="image/svg+xml" href="./assets/icon-B4d5.svg" />
<link rel="stylesheet" crossorigin href="./assets/index-B4d5.css">`;

/** A folder like the built page. */
export async function pageFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-page-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), `<!doctype html><title>Cofi</title>${HEAD}<p>${"page ".repeat(500)}</p>`);
  for (const name of ["theme.js", "login.js", "assets/icon-B4d5.svg", "assets/index-B4d5.css"])
    await writeFile(join(folder, name), "");
  await writeFile(join(folder, "assets", "index-B4d5.js"), `console.log("${"x".repeat(4_000)}");`);
  return folder;
}

/** Recordings are in the folders of their batches alone. */
function noSound(): SoundPlaces {
  const folder = join(inject("logFolder"), "listening");
  return { folder, files: { place: "none", path: "/nowhere" }, engineToken: undefined, raw: RAW_AUDIO_DEFAULTS };
}

export async function startDashboard(
  store: Store,
  env: NodeJS.ProcessEnv = {},
  more: { webRoot?: string; assertMigrated?: () => Promise<void>; sound?: SoundPlaces } = {},
): Promise<{ dashboard: Dashboard; url: string }> {
  const settings = dashboardSettings({ COFI_PORT: "0", ...env });
  const logger = pino({ level: "silent" });
  const keeper = new LogKeeper(inject("logFolder"));
  const sound = noSound();
  const recordings = [new FolderRecordings((batchId) => store.folderOfBatch(batchId))];
  const packs = { key: new SigningKey(inject("logFolder")), recordings, version: "1" };
  const dashboard = await createDashboard({
    store,
    settings,
    webRoot: "/nowhere",
    logger,
    keeper,
    sound,
    packs,
    ...more,
  });
  const { url } = await dashboard.listen();
  return { dashboard, url };
}

export async function run(dialect: DialectName, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const fresh = await freshDatabase(dialect);
  const store = new Store(fresh.database);
  const more = { assertMigrated: () => assertMigrated(fresh.database) };
  const first = await startDashboard(store, env, more);
  let { dashboard } = first;
  return {
    fresh,
    store,
    url: first.url,
    async restart(between) {
      await dashboard.close();
      await between?.();
      ({ dashboard } = await startDashboard(store, { ...env, COFI_PORT: new URL(first.url).port }, more));
    },
    async close() {
      await dashboard.close();
      await fresh.close();
    },
  };
}

/** Records what a page receives: every frame in order, and each event once, because the page drops known events. */
export class Feed {
  readonly snapshots: Snapshot[] = [];
  readonly frames: Frame[] = [];
  readonly states: { database: string; detail: string }[] = [];
  /** Ids from `events` frames, in order, with repetitions. */
  readonly ids: number[] = [];
  /** The cards as they were said last, by stage. */
  readonly cards = new Map<string, StageSummary>();
  lastEventId = "";
  opened = 0;
  readonly #source: EventSource;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
    this.#source.addEventListener("open", () => (this.opened += 1));
    this.#source.addEventListener("snapshot", (message) => {
      this.lastEventId = message.lastEventId;
      const snapshot = JSON.parse(message.data as string) as Snapshot;
      this.snapshots.push(snapshot);
      this.#show(snapshot.stages);
    });
    this.#source.addEventListener("events", (message) => {
      this.lastEventId = message.lastEventId;
      const frame = JSON.parse(message.data as string) as Frame;
      this.frames.push(frame);
      this.#show(frame.stages);
      this.ids.push(...frame.events.map(({ id }) => id));
    });
    this.#source.addEventListener("state", (message) => {
      this.states.push(JSON.parse(message.data as string) as { database: string; detail: string });
    });
  }

  #show(cards: readonly StageSummary[]): void {
    for (const card of cards) this.cards.set(card.stage, card);
  }

  get events(): LogEvent[] {
    return this.frames.flatMap((frame) => frame.events);
  }

  async ready(): Promise<this> {
    await until(() => this.snapshots.length > 0, "the first snapshot");
    return this;
  }

  close(): void {
    this.#source.close();
  }
}

export async function get<T>(url: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: T }> {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

export async function problem(url: string, init?: RequestInit): Promise<Problem & { headers: Headers }> {
  const response = await fetch(url, init);
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) throw new Error(`${url}: ${response.status} is ${type}`);
  const body = (await response.json()) as Problem;
  if (body.status !== response.status) throw new Error(`${url}: ${response.status} says it is ${body.status}`);
  return { ...body, headers: response.headers };
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

export const sorted = (ids: Iterable<number>): number[] => [...ids].toSorted((a, b) => a - b);
