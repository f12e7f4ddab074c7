/** Searching what was said, in as many sentences as a broker records in months. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { TranscriptSearch } from "@cofi/evidence/search";
import { median, record } from "./support/results.js";

const UTTERANCES = Number(process.env["COFI_SEARCH_UTTERANCES"] ?? "10000000");
/** Of a call. */
const [SEGMENTS, WORDS] = [130, 10];
const BATCHES = 50;
/** Words other than the frequent ones, each half as frequent as the one before the one before. */
const VOCABULARY = 20_000;
const FREQUENT =
  "please buy sell two hundred shares of infosys at fifteen yes confirm price market order sir ok the".split(" ");

let folder: string;
let database: Database;
let search: TranscriptSearch;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-search-bench-"));
  database = await openDatabase(`sqlite:${join(folder, "cofi.sqlite")}`);
  await migrate(database);
  const store = new Store(database);
  for (let n = 0; n < BATCHES; n++) await store.createBatch({ name: `night ${n}`, folder: null });
  const results = new Results(database);
  const next = randomFrom(1);
  const word = (): string =>
    next() < 0.7 ? FREQUENT[Math.floor(next() * FREQUENT.length)]! : `word${Math.floor(VOCABULARY ** next())}`;
  const calls = Math.ceil(UTTERANCES / SEGMENTS);
  let waiting: Promise<void>[] = [];
  for (let call = 0; call < calls; call++) {
    const segments = Array.from({ length: SEGMENTS }, (_, id) => ({
      id,
      start_s: id,
      end_s: id + 1,
      text: Array.from({ length: WORDS }, word).join(" "),
      confidence: 0.9,
    }));
    const run = { batchId: 1 + Math.floor((call * BATCHES) / calls), run: 0 };
    const said = { language: "en", confidence: 0.9, model: "bench", text: "", segments };
    waiting.push(results.saveTranscript(run, `C${call}`, said));
    if (waiting.length < 32) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  search = new TranscriptSearch(database);
}, 3_600_000);
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Mulberry32, so that all runs search the same. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("the first page of a search", async () => {
  const queries: Record<string, { text: string; batchId?: number }> = {
    "a frequent word": { text: "infosys" },
    "two frequent words": { text: "sell infosys" },
    "a rare word": { text: "word19999" },
    "a frequent and a rare word": { text: "infosys word19999" },
    "a frequent phrase": { text: '"two hundred shares"' },
    "a phrase that nobody said": { text: '"hundred two shares of of the sir"' },
    "the beginning of many words": { text: "word1*" },
    "a frequent word, one batch": { text: "infosys", batchId: 3 },
    "a rare word, one batch": { text: "word19999", batchId: 3 },
  };
  const measured: Record<string, number> = {
    "naive: each transcript is looked at": await median(async () => {
      const begun = performance.now();
      const all = database.kysely.selectFrom("transcript").select("id").where("segments", "like", "% word19999 %");
      await all.limit(20).execute();
      return performance.now() - begun;
    }),
  };
  for (const [name, query] of Object.entries(queries))
    measured[name] = await median(async () => {
      const begun = performance.now();
      await search.find({ ...query, limit: 20 });
      return performance.now() - begun;
    });
  await record(
    `Searching ${UTTERANCES.toLocaleString("en")} sentences, SQLite: the first page`,
    "ms",
    measured,
    "Bar: <= 200 ms.",
  );
});
