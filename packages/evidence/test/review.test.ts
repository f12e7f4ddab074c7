/** Lists of cases and figures by SQL say what the fold says of each case, on generated ones; two who are at once. */
import fc from "fast-check";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { accuracyOf } from "@cofi/evidence/review/accuracy";
import { foldCase, refusalOf, ROW_OF, STATES, type CaseAction } from "@cofi/evidence/review/case";
import { listCases, type CaseFilter, type CaseSummary } from "@cofi/evidence/review/case-list";
import { corrected } from "@cofi/evidence/review/corrections";
import { modelsOf } from "@cofi/evidence/review/models";
import { REASON_NAMES, reasonOf } from "@cofi/evidence/review/reasons";
import { Reviews, type FoundCase, type NewReviewRow } from "@cofi/evidence/review/reviews";
import { shareOf } from "@cofi/evidence/review/wilson";
import { Results } from "@cofi/evidence/results";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { judge, judgedBatch } from "./review-support.js";

const PEOPLE = ["ann", "bob", "eve"];
const VERDICTS = ["CONFIRMED", "CONFIRMED", "CONFIRMED", "MISMATCH", "LOW_CONFIDENCE"];
const TRADES = 6;

interface Deed {
  trade: number;
  act: CaseAction | "judge" | "correct field";
  who: string;
  reason: string;
  verdict: string;
  model: string;
}

const deeds = fc.array(
  fc.record<Deed>({
    trade: fc.nat(TRADES - 1),
    // Those that go on are met more often.
    act: fc.constantFrom(
      "take",
      "decide",
      "decide",
      "approve",
      "approve",
      "reject",
      "note",
      "correct",
      "correct field",
      "release",
      "judge",
    ),
    who: fc.constantFrom(...PEOPLE),
    reason: fc.constantFrom(...REASON_NAMES),
    verdict: fc.constantFrom(...VERDICTS),
    model: fc.constantFrom("m1", "m2"),
  }),
  { minLength: 60, maxLength: 160 },
);

describe.each(DIALECTS)("reviews on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let reviews: Reviews;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    reviews = new Reviews(fresh.database);
  });
  afterEach(() => fresh.close());

  const add = async (batchId: number, tradeId: string, row: NewReviewRow): Promise<void> => {
    const number = ((await reviews.rows(batchId, tradeId)).at(-1)?.number ?? 0) + 1;
    expect(await reviews.add(batchId, tradeId, number, row)).toBe(true);
  };

  async function done(batchId: number, { trade, act, who, reason, verdict, model }: Deed): Promise<void> {
    const tradeId = `T${trade}`;
    if (act === "judge") return judge(fresh.database, batchId, [{ tradeId, verdict, model }]);
    const found = await reviews.find(batchId, tradeId);
    if (found === null || found === "no case") return;
    const action = act === "correct field" ? "correct" : act;
    if (refusalOf(action, found.case, { who, mayRelease: false })) return;
    const row: NewReviewRow = { what: ROW_OF[action], who, role: "reviewer" };
    if (act === "decide") {
      const models = await modelsOf(fresh.database, new Results(fresh.database), batchId, found.statement!);
      const { verdict: about, eventId } = found.now;
      Object.assign(row, { reason, verdict: about, verdictEventId: eventId, data: { models } });
    }
    if (act === "correct") Object.assign(row, { reason: "word", data: { model: `stt 1 ${model}` } });
    if (act === "correct field") Object.assign(row, { reason: "field", data: { model: `llm1 1 ${model}` } });
    await add(batchId, tradeId, row);
  }

  async function listed(batchId: number, filter: CaseFilter, limit: number): Promise<CaseSummary[]> {
    const cases: CaseSummary[] = [];
    for (let after: string | undefined; ;) {
      const page = await listCases(fresh.database, batchId, filter, { after, limit });
      expect(page.cases.length).toBeLessThanOrEqual(limit);
      cases.push(...page.cases);
      if (page.next === null) return cases;
      after = page.next;
    }
  }

  async function folded(batchId: number): Promise<Map<string, FoundCase>> {
    const found = new Map<string, FoundCase>();
    for (const tradeId of Array.from({ length: TRADES }, (_, n) => `T${n}`).toSorted()) {
      const one = await reviews.find(batchId, tradeId);
      if (one !== null && one !== "no case") found.set(tradeId, one);
    }
    return found;
  }

  test("lists and figures are those of the fold", { timeout: 600_000 }, async () => {
    const met = { approved: 0, reopened: 0, drawnRight: 0, drawnWrong: 0, rejected: 0, corrections: 0 };
    await fc.assert(
      fc.asyncProperty(deeds, fc.constantFrom(0.5, 1), async (sequence, share) => {
        const trades = Array.from({ length: TRADES }, (_, n) => ({
          tradeId: `T${n}`,
          verdict: VERDICTS[n % VERDICTS.length]!,
        }));
        const batchId = await judgedBatch(store, trades);
        await reviews.draw(batchId, { seed: "s", share, who: "ann", role: "admin" });
        for (const deed of sequence) await done(batchId, deed);

        const cases = await folded(batchId);
        const expected = [...cases].map(([tradeId, { case: one, now }]) => ({
          tradeId,
          verdict: now.verdict,
          state: one.state,
          last: one.last,
          isDrawn: one.isDrawn,
          decision: one.decision && { reason: one.decision.reason, who: one.decision.who, at: one.decision.at },
          isReopened: one.state === "open" && one.reopened !== null,
        }));
        expect(await listed(batchId, {}, 5)).toEqual(expected);
        for (const state of STATES)
          expect(await listed(batchId, { state }, 100)).toEqual(expected.filter((one) => one.state === state));
        for (const who of PEOPLE)
          expect(await listed(batchId, { who, verdict: "MISMATCH" }, 3)).toEqual(
            expected.filter(({ last, verdict }) => last?.who === who && verdict === "MISMATCH"),
          );

        const accuracy = await accuracyOf(fresh.database, batchId);
        expect(accuracy).toEqual(reference([...cases.values()]));
        const { rows } = await sql<{ approved: number; looked: number; corrections: number }>`SELECT
          (SELECT count(*) FROM review WHERE batchId = ${batchId} AND what = 'approved') AS approved,
          (SELECT count(*) FROM review WHERE batchId = ${batchId} AND what IN ('approved', 'rejected')) AS looked,
          (SELECT count(*) FROM review WHERE batchId = ${batchId} AND what = 'corrected') AS corrections`.execute(
          fresh.database.kysely,
        );
        const counts = rows[0]!;
        expect([accuracy.agreement.count, accuracy.agreement.of, accuracy.decisions]).toEqual(
          [counts.approved, counts.looked, counts.approved].map(Number),
        );
        expect(accuracy.models.reduce((sum, { corrections }) => sum + corrections, 0)).toBe(Number(counts.corrections));
        met.approved += expected.filter(({ state }) => state === "approved").length;
        met.reopened += expected.filter(({ isReopened }) => isReopened).length;
        met.drawnRight += accuracy.confirmed.count;
        met.drawnWrong += accuracy.confirmed.of - accuracy.confirmed.count;
        met.rejected += Number(counts.looked) - Number(counts.approved);
        met.corrections += Number(counts.corrections);
      }),
      { numRuns: 15 },
    );
    for (const [name, count] of Object.entries(met)) expect([name, count > 0]).toEqual([name, true]);
  });

  /** The figures by a plain reading of the rows of each case. */
  function reference(cases: readonly FoundCase[]) {
    type Line = { decisions: number; drawn: number; right: number; corrected: number; corrections: number };
    const lines = new Map<string, Line>();
    const line = (key: string): Line => {
      const known = lines.get(key) ?? { decisions: 0, drawn: 0, right: 0, corrected: 0, corrections: 0 };
      lines.set(key, known);
      return known;
    };
    let [looked, approved, drawn, right] = [0, 0, 0, 0];
    for (const { rows } of cases)
      for (const [at, row] of rows.entries()) {
        const before = rows.slice(0, at);
        const model = (row.data as { model?: string } | null)?.model;
        if (row.what === "corrected") line(`${row.reason === "word" ? "stt" : "llm1"} ${model}`).corrections += 1;
        if (row.what !== "approved" && row.what !== "rejected") continue;
        looked += 1;
        if (row.what === "rejected") continue;
        approved += 1;
        const decision = before.findLast(({ what }) => what === "decided")!;
        const wasDrawn = rows.some(({ what, number }) => what === "drawn" && number < decision.number);
        const counts = wasDrawn && decision.verdict === "CONFIRMED";
        const isRight = counts && reasonOf(decision.reason)!.bearsOutConfirmed;
        drawn += Number(counts);
        right += Number(isRight);
        const { models } = decision.data as { models: Record<string, string> };
        for (const stage of ["stt", "llm1", "llm2", "verdicts"]) {
          const one = line(`${stage} ${models[stage] ?? null}`);
          one.decisions += 1;
          one.drawn += Number(counts);
          one.right += Number(isRight);
          const kind = { stt: "word", llm1: "field" }[stage];
          one.corrected += Number(before.some(({ what, reason }) => what === "corrected" && reason === kind));
        }
      }
    const stages = ["stt", "llm1", "llm2", "verdicts"];
    return {
      confirmed: shareOf(right, drawn),
      agreement: shareOf(approved, looked),
      decisions: approved,
      models: [...lines]
        .map(([key, one]) => {
          const [stage = "", ...rest] = key.split(" ");
          const model = rest.join(" ");
          return {
            stage,
            model: model === "null" ? null : model,
            decisions: one.decisions,
            confirmed: shareOf(one.right, one.drawn),
            uncorrected:
              stage === "stt" || stage === "llm1" ? shareOf(one.decisions - one.corrected, one.decisions) : null,
            corrections: one.corrections,
          };
        })
        .toSorted(
          (a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || ((a.model ?? "") < (b.model ?? "") ? -1 : 1),
        ),
    };
  }

  test("of many who add the same row, one does; rows are only added", async () => {
    const batchId = await judgedBatch(store, [{ tradeId: "T1", verdict: "MISMATCH" }]);
    for (let round = 1; round <= 20; round++) {
      const added = await Promise.all(
        PEOPLE.map((who) => reviews.add(batchId, "T1", round, { what: "noted", who, role: "reviewer", note: who })),
      );
      expect(added.filter(Boolean)).toHaveLength(1);
    }
    expect((await reviews.rows(batchId, "T1")).map(({ number }) => number)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    expect(await reviews.add(batchId, "T9", 1, { what: "taken", who: "ann", role: "reviewer" })).toBe(false);
    if (dialect === "sqlite")
      for (const change of ["UPDATE review SET who = 'x'", "DELETE FROM review"])
        await expect(sql.raw(change).execute(fresh.database.kysely)).rejects.toThrow(/review/);
  });

  test("the same draw draws once, also by many at once; another one adds to it", async () => {
    const trades = Array.from({ length: 100 }, (_, n) => ({
      tradeId: `T${n}`,
      verdict: n < 80 ? "CONFIRMED" : "MISMATCH",
    }));
    const batchId = await judgedBatch(store, trades);
    const draw = (seed: string, share: number) => reviews.draw(batchId, { seed, share, who: "ann", role: "admin" });
    const made = await Promise.all(["a", "a", "a", "b"].map((seed) => draw(seed, 0.1)));
    expect(made.map(({ population, drawn }) => [population, drawn])).toEqual(made.map(() => [80, 8]));
    const added = made.slice(0, 3).map((one) => one.added);
    expect(added.filter((count) => count === 0)).toHaveLength(2);
    expect(await draw("a", 0.1)).toMatchObject({ added: 0 });
    const cases = await listed(batchId, {}, 1_000);
    const drawn = cases.filter(({ isDrawn }) => isDrawn).map(({ tradeId }) => tradeId);
    expect(new Set(drawn).size).toBe(made.reduce((sum, one) => sum + one.added, 0));
    expect(cases).toHaveLength(20 + drawn.length);
    const rows = await reviews.rows(batchId, "");
    expect(rows.map(({ number, data }) => [number, (data as { seed: string }).seed]).toSorted()).toHaveLength(2);
    expect(await reviews.find(batchId, drawn[0]!)).toMatchObject({ case: { state: "open", isDrawn: true } });
  });

  test("a correction keeps what the machine had said, and refuses what is not there", async () => {
    const batchId = await judgedBatch(store, [{ tradeId: "T1", verdict: "MISMATCH" }]);
    const results = new Results(fresh.database);
    const segments = [{ id: 3, start_s: 0, end_s: 1, text: " buy  fifty infosys ", confidence: 1 }];
    const transcript = { language: "en", confidence: 1, model: "m1", text: "buy fifty infosys", segments };
    await results.saveTranscript({ batchId, run: 0 }, "C-T1", transcript);
    await fresh.database.kysely
      .insertInto("extractedTrade")
      .values({ batchId, callId: "C-T1", ordinal: 0, action: "NEW", quantity: 50 })
      .execute();
    const found = (await reviews.find(batchId, "T1")) as FoundCase;
    expect(foldCase(found.rows, found.now)).toEqual(found.case);
    const word = { kind: "word", callId: "C-T1", segment: 3, word: 1, truth: "fifteen" } as const;
    const field = { kind: "field", callId: "C-T1", order: 0, field: "quantity", truth: "15" } as const;
    const ask = (correction: typeof word | typeof field) =>
      corrected(fresh.database, batchId, "T1", { found, correction });
    expect(await ask(word)).toEqual({ ...word, said: "fifty", model: "stt 1 m1" });
    expect(await ask(field)).toEqual({ ...field, said: "50", model: "llm1 1 m1" });
    for (const wrong of [
      { ...word, word: 3 as 1 },
      { ...word, segment: 4 as 3 },
      { ...word, callId: "C9" as "C-T1" },
      { ...field, order: 1 as 0 },
    ])
      await expect(ask(wrong)).rejects.toThrow(/\.$/);
  });
});
