/** The search, asked by each role: it finds what they may see, and the access log says that they searched. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Results } from "@cofi/evidence/results";
import type { Role } from "@cofi/access/roles";
import { DIALECTS } from "../../../test/support/databases.js";
import { plainCall, plainTrade } from "../../../test/support/plain-records.js";
import { guarded, post, type Guarded } from "./access-support.js";

const RUN = { batchId: 1, run: 0 };
const REASON = "a client has complained";
const NUMBER = "+919876543210";

interface Answer {
  trades: { tradeId: string; clientCode: string | null; verdict: string | null }[];
  calls: { callId: string; callerNumber: string | null }[];
  spoken: { batchId: number; callId: string; fileName: string; count: number; sentences: { text: string }[] }[];
  next: number | null;
  unindexed: number;
  withheld: boolean;
}

describe.each(DIALECTS)("on %s", (dialect) => {
  let it: Guarded;
  beforeEach(async () => {
    it = await guarded(dialect, { COFI_PHONE_COUNTRY: "IN" });
    const results = new Results(it.fresh.database);
    for (const name of ["one", "two"]) await it.store.createBatch({ name, folder: null });
    const call = (callId: string, callerNumber: string) =>
      plainCall({ callId, callerNumber, clientCode: "AB100", fileName: `${callId}-night.wav` });
    await results.replaceCalls(RUN, [call("C1", NUMBER), call("C2", "+919876500000")]);
    await results.replaceTrades(RUN, [plainTrade({ tradeId: "T007", orderId: "O77", clientCode: "AB100" })]);
    const text = "Please buy two hundred shares of Infosys.";
    const segments = [{ id: 0, start_s: 1.5, end_s: 4, text, confidence: 0.9, speaker: "client" as const }];
    for (const batchId of [1, 2]) {
      const transcript = { language: "en", confidence: 0.9, model: "m", text, segments };
      await results.saveTranscript({ batchId, run: 0 }, "C1", transcript);
    }
  });
  afterEach(() => it.close());

  async function search(role: Role, body: object): Promise<{ status: number; body: Answer }> {
    const response = await fetch(`${it.url}/api/search`, post(body, it.as(role)));
    return { status: response.status, body: (await response.json()) as Answer };
  }
  const searches = async () => (await it.log()).filter(({ action }) => action === "search");

  test("finds what was said, in the sentence, over all batches or one", async () => {
    const text = '"two hundred" infos*';
    const all = await search("auditor", { text, reason: REASON });
    expect(all.body.spoken.map(({ batchId, callId, fileName }) => [batchId, callId, fileName])).toEqual([
      [2, "C1", null],
      [1, "C1", "C1-night.wav"],
    ]);
    expect(all.body.spoken[0]!.sentences).toEqual([
      {
        segment: 0,
        startS: 1.5,
        speaker: "client",
        text: "Please buy two hundred shares of Infosys.",
        marks: [
          [11, 14],
          [15, 22],
          [33, 40],
        ],
      },
    ]);
    const one = await search("reviewer", { text, batch: 1, reason: REASON });
    expect(one.body.spoken.map(({ batchId }) => batchId)).toEqual([1]);
    expect(await searches()).toMatchObject([
      { who: "the auditor", what: expect.stringContaining("all batches"), why: REASON, batchId: null },
      { who: "the reviewer", what: expect.stringContaining("batch 1"), why: REASON, batchId: 1 },
    ]);
  });

  test("finds trades and calls by ids, client codes, names of files and telephone numbers in any notation", async () => {
    const found = async (text: string) => {
      const { body } = await search("auditor", { text, reason: REASON });
      return [...body.trades.map(({ tradeId }) => tradeId), ...body.calls.map(({ callId }) => callId)];
    };
    expect(await found("t007")).toEqual(["T007"]);
    expect(await found("O77")).toEqual(["T007"]);
    expect(await found("ab1")).toEqual(["T007", "C1", "C2"]);
    expect(await found("C2-n")).toEqual(["C2"]);
    for (const number of [NUMBER, "98765 43210", "098765-43210", "0091 98765 43210", "91 (98765) 43210"])
      expect([number, await found(number)]).toEqual([number, ["C1"]]);
    expect(await found("%")).toEqual([]);
    expect(JSON.stringify(await searches())).not.toMatch(/9876|43210/);
  });

  test("gives those who see no contents trades by their ids alone", async () => {
    for (const role of ["viewer", "operator"] as const) {
      const byId = await search(role, { text: "T00" });
      expect(byId.body).toMatchObject({ withheld: true, trades: [{ tradeId: "T007", clientCode: null }] });
      for (const text of ["hundred", "AB100", NUMBER, "C1", "C1-night.wav"]) {
        const { body } = await search(role, { text, reason: REASON });
        expect([text, body.trades, body.calls, body.spoken]).toEqual([text, [], [], []]);
      }
    }
  });

  test("searches payloads and responses of a stage, in other scripts too, as it goes", async () => {
    const insert = (stage: string, payload: string | null, response: string | null = null) =>
      it.fresh.insertForeign({ batchId: 1, stage, eventType: "info", fileName: "a.wav", payload, response });
    await insert("llm1", `{"question": "${"x".repeat(200)} Two Hundred (200) ${"y".repeat(200)}"}`);
    await insert("llm1", null, String.raw`{"said": "\u0939\u093e\u0901"}`);
    await insert("llm2", `{"question": "two hundred (200)"}`);
    for (let n = 0; n < 120; n++) await insert("llm1", "{}");
    const find = async (text: string, role: Role = "auditor") => {
      const init = post({ stage: "llm1", text, reason: REASON }, it.as(role));
      const response = await fetch(`${it.url}/api/batch/1/search`, init);
      if (response.status !== 200) return response.status;
      return (await response.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const end = { events: 122, found: 1, share: 1, isCutOff: false };
    const excerpt = `…${"x".repeat(75)} Two Hundred (200) ${"y".repeat(79)}…`;
    const lines = await find("hundred (200)");
    expect(lines).toContainEqual({
      eventId: 1,
      fileName: "a.wav",
      part: "payload",
      excerpt,
      mark: [81, 94],
    });
    expect(lines).toContainEqual(end);
    expect(await find("हाँ")).toContainEqual(expect.objectContaining({ eventId: 2, part: "response" }));
    expect(await find("two hundred", "reviewer")).toBe(403);
    expect((await searches()).map(({ what }) => what)).toContain('payloads and responses of "llm1": "hundred (200)"');
  });

  test("has transcripts of earlier versions indexed by the first search, and says how many are not found yet", async () => {
    const row = { batchId: 1, callId: "OLD", language: "en", confidence: 1, model: "m", segments: "[]" };
    await it.fresh.database.kysely
      .insertInto("transcript")
      .values({ ...row, text: "a sentence of old" })
      .execute();
    const find = async () => (await search("auditor", { text: "sentence", reason: REASON })).body;
    expect(await find()).toMatchObject({ unindexed: 1, spoken: [] });
    await expect.poll(async () => (await find()).spoken.map(({ callId }) => callId)).toEqual(["OLD"]);
  });

  test("asks for a reason, and for a batch that is there", async () => {
    expect((await search("reviewer", { text: "hundred" })).status).toBe(400);
    expect((await search("reviewer", { text: "hundred", batch: 9, reason: REASON })).status).toBe(404);
    expect(await searches()).toEqual([]);
  });
});
