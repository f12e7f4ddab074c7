/** What was said is found by its words, in any script, as a scan of all transcripts finds it. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TranscriptSegment } from "@cofi/evidence/records";
import { Results } from "@cofi/evidence/results";
import { indexEarlier } from "@cofi/evidence/index-earlier";
import { TranscriptSearch, type FoundCall } from "@cofi/evidence/search";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const SCRIPTS = {
  Latin: ["Infosys", "infosys", "sell", "a", "to", "the", "what", "1,500", "1500", "Müller", "muller", "don't", "dont"],
  Devanagari: ["नमस्ते", "ख़रीदो", "खरीदो", "दो", "सौ", "१५००", "हाँ", "हां", "बेचो"],
  Arabic: ["مَرْحَبًا", "مرحبا", "أسهم", "اسهم", "بيع", "مدرسة", "مدرسه", "٢٠٠"],
  CJK: ["買う", "買", "株式", "株", "百株", "二百", "ｶﾌﾞ", "カブ"],
};
const word = fc.oneof(...Object.values(SCRIPTS).map((words) => fc.constantFrom(...words)));
const script = fc.constantFrom(...Object.values(SCRIPTS));
const sentence = script.chain((words) =>
  fc.array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...words) }, word), { minLength: 1, maxLength: 8 }),
);
const segments = fc.array(sentence, { minLength: 1, maxLength: 4 }).map((sentences) =>
  sentences.map((words, id): TranscriptSegment => {
    const text = words.join(" ");
    return { id, start_s: id, end_s: id + 1, text, confidence: 0.9, speaker: id % 2 === 0 ? "dealer" : "client" };
  }),
);
const CALLS = 300;
const calls = fc.sample(segments, { numRuns: CALLS, seed: 5 });
const batchOf = (call: number): number => (call % 3 === 0 ? 1 : 2);

/** Pieces of what was said, as somebody would type them. */
const query = fc
  .record({
    call: fc.nat({ max: CALLS - 1 }),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 3 }),
    form: fc.constantFrom("words", "phrase", "beginning"),
    other: fc.option(word, { freq: 3 }),
    batchId: fc.constantFrom(1, 2, undefined),
  })
  .map(({ call, at, length, form, other, batchId }) => {
    const said = calls[call]!.flatMap(({ text }) => text.split(" "));
    const start = at % said.length;
    const some = said.slice(start, start + length).join(" ");
    const text = {
      words: some,
      phrase: `"${some}"`,
      beginning: `${said[start]!.slice(0, 2)}*`,
    }[form];
    return { text: other === null ? text : `${text} ${other}`, batchId };
  });

describe.each(DIALECTS)("a search on %s", (dialect) => {
  let fresh: FreshDatabase;
  let search: TranscriptSearch;
  let results: Results;
  beforeAll(async () => {
    fresh = await freshDatabase(dialect);
    search = new TranscriptSearch(fresh.database);
    results = new Results(fresh.database);
    const store = new Store(fresh.database);
    for (const name of ["one", "two"]) await store.createBatch({ name, folder: null });
    for (const [call, said] of calls.entries()) {
      const run = { batchId: batchOf(call), run: 0 };
      const text = said.map((segment) => segment.text).join(" ");
      await results.saveTranscript(run, `C${call}`, {
        language: "en",
        confidence: 1,
        model: "m",
        text,
        segments: said,
      });
    }
  });
  afterAll(() => fresh.close());

  /** All pages. */
  async function found(text: string, batchId?: number): Promise<FoundCall[]> {
    const all: FoundCall[] = [];
    for (let after: number | null = null; ;) {
      const page = await search.find({ text, batchId, after, limit: 7 });
      all.push(...page.calls);
      if (page.next === null) return all;
      after = page.next;
    }
  }

  test("equals a scan of all transcripts, for a thousand queries in four scripts", { timeout: 600_000 }, async () => {
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(query, async ({ text, batchId }) => {
        const wanted = calls.flatMap((said, call) => {
          const isIn = batchId === undefined || batchOf(call) === batchId;
          return isIn && scan(said, text) ? [`C${call}`] : [];
        });
        const ids = (await found(text, batchId)).map(({ callId }) => callId);
        expect(ids.toSorted()).toEqual(wanted.toSorted());
        expect(new Set(ids).size).toBe(ids.length);
        hits += ids.length;
      }),
      { numRuns: 1_000, interruptAfterTimeLimit: 500_000 },
    );
    expect(hits).toBeGreaterThan(10_000);
  });

  test("takes any text for a search", { timeout: 600_000 }, async () => {
    const signs = fc.constantFrom(
      '"',
      "*",
      "-",
      "+",
      "(",
      ")",
      "'",
      "^",
      "AND",
      "NOT",
      "NEAR",
      ":",
      "~",
      "%",
      "_",
      "\\",
      "\0",
    );
    const text = fc.array(fc.oneof(signs, word, fc.string({ unit: "binary" })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom("", " "), async (parts, space) => {
        await search.find({ text: parts.join(space), limit: 3 });
      }),
      { numRuns: 500, interruptAfterTimeLimit: 500_000 },
    );
  });

  test("finds a word of any length by the whole of it", async () => {
    const [long, longer] = ["ab".repeat(70), "ख".repeat(50)];
    const said = [long, `${long}c`, longer, `${longer}ग`].map((text, id) => ({
      id,
      start_s: id,
      end_s: id,
      text,
      confidence: 1,
    }));
    const transcript = { language: "en", confidence: 1, model: "m", segments: said, text: "" };
    await results.saveTranscript({ batchId: 1, run: 0 }, "LONG", transcript);
    const marked = async (text: string): Promise<string[]> =>
      (await found(text)).flatMap(({ sentences }) =>
        sentences.flatMap((one) => one.marks.map(([start, end]) => one.text.slice(start, end))),
      );
    expect(await marked(long)).toEqual([long]);
    expect(await marked(longer)).toEqual([longer]);
    expect(await marked(`${longer.slice(0, 40)}*`)).toEqual([longer, `${longer}ग`]);
    await results.removeHeard({ batchId: 1, run: 0 }, "transcript", ["LONG"]);
    expect(await marked(long)).toEqual([]);
  });

  test("finds a phrase that goes on in the next segment, and says who spoke and when", async () => {
    const said: TranscriptSegment[] = [
      { id: 7, start_s: 12.5, end_s: 14, text: "Please buy Tata", confidence: 1, speaker: "client" },
      { id: 8, start_s: 14.5, end_s: 16, text: "Motors, two hundred.", confidence: 1 },
    ];
    const transcript = { language: "en", confidence: 1, model: "m", segments: said, text: "" };
    await results.saveTranscript({ batchId: 2, run: 0 }, "TATA", transcript);
    expect(await found('"tata motors"')).toEqual([
      {
        batchId: 2,
        callId: "TATA",
        fileName: null,
        count: 2,
        sentences: [
          { segment: 7, startS: 12.5, speaker: "client", text: "Please buy Tata", marks: [[11, 15]] },
          { segment: 8, startS: 14.5, speaker: null, text: "Motors, two hundred.", marks: [[0, 6]] },
        ],
      },
    ]);
    expect(await found('"motors tata"')).toEqual([]);
  });

  test("finds transcripts of earlier versions when they are indexed", async () => {
    const row = {
      batchId: 1,
      callId: "OLD",
      language: "en",
      confidence: 1,
      model: "m",
      text: "whole sentence",
      segments: "[]",
    };
    await fresh.database.kysely.insertInto("transcript").values(row).execute();
    expect([await search.unindexed(), await found("whole")]).toEqual([1, []]);
    await indexEarlier(search, new AbortController().signal);
    expect(await search.unindexed()).toBe(0);
    expect((await found("whole")).map(({ callId }) => callId)).toEqual(["OLD"]);
  });
});

/** Plainly: each text as a list of spellings. */
function scan(said: readonly TranscriptSegment[], text: string): boolean {
  const spoken = said.flatMap((segment) => spellings(segment.text));
  const terms = [...text.matchAll(/"([^"]*)"|\S+/g)].map(([written, quoted]) => quoted ?? written);
  return terms.every((term) => {
    const words = spellings(term.replace("*", ""));
    return spoken.some((_, at) =>
      words.every((one, index) => {
        const isOpen = term.endsWith("*") && index === words.length - 1;
        const other = spoken[at + index] ?? "";
        return isOpen ? other.startsWith(one) : other === one;
      }),
    );
  });
}

function spellings(text: string): string[] {
  return text.split(" ").flatMap((one) => {
    const plain = one
      .replaceAll(/[أإآ]/g, "ا")
      .normalize("NFKD")
      .toLowerCase()
      .replaceAll(/[,'\u0640]/g, "")
      .replaceAll(/[\u0300-\u036f]|[\u064b-\u0652]|\u093c/g, "")
      .replaceAll("ة", "ه")
      .replaceAll("ँ", "ं")
      .replaceAll(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
      .replaceAll(/[०-९]/g, (digit) => String(digit.charCodeAt(0) - 0x966))
      .normalize("NFC");
    return /[\u3040-\u30ff\u4e00-\u9fff]/.test(plain) ? [...plain] : plain === "" ? [] : [plain];
  });
}
