/**
 * A batch of tiny recordings from its first file to its last verdict: what the pipeline takes of the machine, over the number of
 * files, and how much longer a batch takes than its engines need. How long these take is known, so what they need is known too.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { STAGES } from "@cofi/event-log/stages";
import { startServer, type TestServer } from "../test/support/server.js";
import { makeFolder } from "./support/interrupted-batch.js";
import { untilItEnds, type Used } from "./support/process-figures.js";
import { record } from "./support/results.js";

const COFI = fileURLToPath(new URL("../packages/cli/bin/cofi.js", import.meta.url));
const ENGINES = fileURLToPath(new URL("support/quick-engines.mjs", import.meta.url));
const SIZES = (process.env["COFI_SCALE_FILES"] ?? "1000,10000,100000").split(",").map(Number);
/** Stages that ask an engine about each recording. */
const ASKING = STAGES.filter(({ unit }) => unit === "recording").length;
/** Of the runs that show something else than the number of files. */
const FILES = 10_000;

/** Engines that take so long for a file in the mean, in ms, and together have so many in work. */
interface Engines {
  hosts: number;
  slots: number;
  meanMs: number;
  /** Of a transcript; each adds about 150 bytes. */
  segments?: number;
}
/** 800 files a second. */
const USUAL: Engines = { hosts: 8, slots: 20, meanMs: 200 };
/** A thousand files in work at once. */
const THOUSAND: Engines = { hosts: 40, slots: 25, meanMs: 1_000 };
/** Transcripts of 20 KB, as of a call of three minutes; and its telephone audio. */
const NIGHT: Engines = { ...USUAL, segments: 130 };
const NIGHT_BYTES = 180 * 16_000;
const NIGHT_FILES = 1_000;

interface Fresh extends Used {
  seconds: number;
  /** Time over what the engines need. */
  times: number;
  /** Processor time a file and stage, in ms. */
  cpuMs: number;
  /** Of the database, for each file. */
  databaseKilobytes: number;
}

interface FreshOptions {
  /** Of each recording; default tiny ones. */
  bytes?: number;
  /** Of a database on the server; default a new SQLite file. */
  url?: string;
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Engines in a process of their own. */
async function start({ hosts, meanMs, segments = 1 }: Engines) {
  const child = spawn(process.execPath, [ENGINES, ...[hosts, meanMs, segments].map(String)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  return { urls: (JSON.parse(line) as string[]).join(","), stop };
}

/** Runs a batch in a process of its own. */
async function fresh(files: number, engines: Engines, { bytes, url }: FreshOptions = {}): Promise<Fresh> {
  const root = await mkdtemp(join(tmpdir(), "cofi-scale-"));
  const { urls, stop } = await start(engines);
  try {
    const folder = join(root, "batch");
    await makeFolder(folder, files, bytes);
    const file = join(root, "cofi.sqlite");
    const databaseUrl = url ?? `sqlite:${file}`;
    const database = await openDatabase(databaseUrl);
    await migrate(database);
    await database.close();
    const { PATH = "" } = process.env;
    const env = {
      PATH,
      COFI_DATA_DIR: join(root, "data"),
      COFI_DATABASE_URL: databaseUrl,
      COFI_SLOTS_PER_HOST: String(engines.slots),
      ...Object.fromEntries(STAGES.map(({ name }) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, urls])),
    };
    const started = performance.now();
    const child = spawn(process.execPath, [COFI, "run", folder], { env, stdio: ["ignore", "ignore", "inherit"] });
    const ended = once(child, "close") as Promise<[number | null]>;
    const used = await untilItEnds(child);
    const [code] = await ended;
    const seconds = (performance.now() - started) / 1_000;
    if (code !== 0) throw new Error(`cofi run ended with ${code}.`);
    const neededSeconds = (ASKING * files * engines.meanMs) / 1_000 / (engines.hosts * engines.slots);
    const cpuMs = (used.processorSeconds * 1_000) / (files * ASKING);
    const databaseBytes = url === undefined ? (await stat(file)).size : await bytesOnServer(url);
    return {
      ...used,
      seconds,
      times: seconds / neededSeconds,
      cpuMs,
      databaseKilobytes: databaseBytes / files / 1_000,
    };
  } finally {
    await stop();
    await rm(root, { recursive: true, force: true });
  }
}

/** Of all tables with their indexes, as the server tells. */
async function bytesOnServer(url: string): Promise<number> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query("ANALYZE TABLE batchExecutionLog, callRecord, transcript, extractedTrade, auditAnswer");
    const [rows] = await connection.query(
      "SELECT sum(data_length + index_length) AS bytes FROM information_schema.tables WHERE table_schema = database()",
    );
    return Number((rows as { bytes: string }[])[0]?.bytes);
  } finally {
    await connection.end();
  }
}

/** Records a table for each figure, with a row for each run. `bars`: those for the last row. */
async function recordRuns(title: string, runs: ReadonlyMap<string, Fresh>, bars: boolean): Promise<void> {
  const rows = (value: (of: Fresh) => number): Record<string, number> =>
    Object.fromEntries([...runs].map(([name, of]) => [name, value(of)]));
  const note = (bar: string): string => (bars ? bar : "");
  const cpu = `${title}: processor time of the pipeline, a file and stage`;
  await record(
    cpu,
    "ms",
    rows(({ cpuMs }) => cpuMs),
    note("Bar: <= 1 ms."),
  );
  const memory = `${title}: most memory of the pipeline`;
  await record(
    memory,
    "MB",
    rows(({ megabytes }) => megabytes),
    note("Bar: <= 400 MB for 100,000 files."),
  );
  await record(
    `${title}: time`,
    "s",
    rows(({ seconds }) => seconds),
  );
  const over = `${title}: time, over what the engines need`;
  await record(
    over,
    "times",
    rows(({ times }) => times),
    note("Bar: <= 1.3 for 100,000 files."),
  );
}

function nameOf({ hosts, slots, meanMs }: Engines): string {
  return `${hosts} hosts with ${slots} slots, ${meanMs} ms a file and stage`;
}

const TITLE = "A batch of tiny recordings";

test("over the number of files", { timeout: 7_200_000 }, async () => {
  const runs = new Map<string, Fresh>();
  for (const files of SIZES) runs.set(`${files.toLocaleString("en")} files`, await fresh(files, USUAL));
  await recordRuns(`${TITLE}, ${nameOf(USUAL)}, SQLite`, runs, true);
});

test("with a thousand files in work, and on a server", async () => {
  const runs = new Map([
    [`SQLite, ${nameOf(USUAL)}`, await fresh(FILES, USUAL)],
    [`SQLite, ${nameOf(THOUSAND)}`, await fresh(FILES, THOUSAND)],
    [`MariaDB, ${nameOf(USUAL)}`, await fresh(FILES, USUAL, { url: await server.createDatabase() })],
  ]);
  await recordRuns(`${FILES.toLocaleString("en")} tiny recordings`, runs, false);
});

test("with recordings and transcripts as long as those of a night", async () => {
  const bytes = NIGHT_BYTES;
  const runs = new Map([
    ["SQLite", await fresh(NIGHT_FILES, NIGHT, { bytes })],
    ["MariaDB", await fresh(NIGHT_FILES, NIGHT, { bytes, url: await server.createDatabase() })],
  ]);
  const title = `${NIGHT_FILES.toLocaleString("en")} recordings of ${(bytes / 1e6).toFixed(1)} MB with transcripts of 20 KB`;
  await recordRuns(title, runs, false);
  const kilobytes = Object.fromEntries([...runs].map(([name, of]) => [name, of.databaseKilobytes]));
  await record(`${title}: the database grows by`, "KB a file", kilobytes);
});
