/** Cases over HTTP: four eyes, those who act at once, verdicts that change, and the access log before all of it. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { verifyAccessLog } from "@cofi/access/verify-log";
import type { Problem } from "@cofi/event-log/events";
import { DIALECTS } from "../../../test/support/databases.js";
import { judge, judgedBatch } from "../../evidence/test/review-support.js";
import { guarded, post, type Guarded } from "./access-support.js";
import { get, problem } from "./dashboard-support.js";

interface Shown {
  state: string;
  verdict: string | null;
  version: string;
  says: string;
  reopened: string | null;
  isDrawn: boolean;
  decision: { reason: string; who: string } | null;
  rows: { number: number; what: string; who: string; note: string | null }[];
}
type Headers = Record<string, string>;
/** Of those that stand in the log without their times. */
const AT = /\d{4}-\d\d-\d\dT[\d:.]+Z/;

describe.each(DIALECTS)("reviews over HTTP on %s", (dialect) => {
  let it: Guarded;
  let batchId: number;
  /** Reviewers. */
  let ann: Headers;
  let bob: Headers;
  beforeEach(async () => {
    it = await guarded(dialect);
    const logIn = async (who: string): Promise<Headers> => ({
      cookie: `cofi_session=${await it.sessions.begin({ who, role: "reviewer", way: "password" })}`,
    });
    [ann, bob] = [await logIn("ann"), await logIn("bob")];
    batchId = await judgedBatch(it.store, [
      { tradeId: "T1", verdict: "MISMATCH" },
      { tradeId: "T2", verdict: "CONFIRMED" },
      { tradeId: "T3", verdict: "LOW_CONFIDENCE" },
    ]);
  });
  afterEach(() => it.close());

  const path = (tradeId = "T1"): string => `${it.url}/api/batch/${batchId}/trades/${tradeId}/review`;
  const look = async (tradeId = "T1"): Promise<Shown> => (await get<Shown>(path(tradeId), { headers: ann })).body;
  const act = (headers: Headers, body: unknown, tradeId?: string): Promise<Response> =>
    fetch(path(tradeId), post(body, headers));
  const done = async (headers: Headers, body: unknown): Promise<Shown> => {
    const response = await act(headers, body);
    const text = await response.text();
    expect([response.status, text]).toEqual([200, text]);
    return JSON.parse(text) as Shown;
  };
  const refused = async (headers: Headers, body: unknown): Promise<[number, string]> => {
    const { status, detail } = await problem(path(), post(body, headers));
    return [status, detail];
  };

  test("taken, decided, approved by another person: each step once, and each in the access log before", async () => {
    const before = (await it.log()).length;
    expect(await done(ann, { action: "take" })).toMatchObject({ state: "taken", says: expect.stringMatching(AT) });
    expect(await refused(bob, { action: "take" })).toEqual([
      409,
      expect.stringMatching(/^ann has had this case since .*Z\./),
    ]);
    const { version } = await done(ann, { action: "note", note: "the client says fifteen" });
    expect(await refused(ann, { action: "decide", reason: "violation", version })).toEqual([
      400,
      'A decision for the reason "violation" needs a note.',
    ]);
    const decided = await done(ann, { action: "decide", reason: "violation", note: "fifteen", version });
    expect(decided).toMatchObject({ state: "decided", decision: { reason: "violation", who: "ann" } });
    const own = await refused(ann, { action: "approve", version: decided.version });
    expect(own).toEqual([403, expect.stringContaining("another person has to approve")]);
    const stale = await refused(bob, { action: "approve", version });
    expect(stale).toEqual([409, expect.stringMatching(/not as you saw it\. ann was the last: decided at .*Z\./)]);
    expect(await done(bob, { action: "approve", version: decided.version })).toMatchObject({ state: "approved" });
    const late = await refused(it.as("admin"), { action: "decide", reason: "accept", version: decided.version });
    expect(late).toEqual([409, expect.stringMatching(/^ann decided this case at .*: Violation\. bob approved it at /)]);
    expect((await look()).rows.map(({ number, what, who }) => [number, what, who])).toEqual([
      [1, "taken", "ann"],
      [2, "noted", "ann"],
      [3, "decided", "ann"],
      [4, "approved", "bob"],
    ]);
    expect((await it.log()).slice(before).map(({ who, action, what }) => [who, action, what])).toEqual([
      ["ann", "review", "row 1 of the case of trade T1: taken"],
      ["ann", "review", "row 2 of the case of trade T1: noted"],
      ["ann", "decision", "row 3 of the case of trade T1: decided, violation"],
      ["bob", "decision", "row 4 of the case of trade T1: approved"],
    ]);
  });

  test("of many who decide at once one does, and each other one is answered by whom and when", async () => {
    const people = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => ({
        cookie: `cofi_session=${await it.sessions.begin({ who: `r${n}`, role: "reviewer", way: "password" })}`,
      })),
    );
    for (const action of ["take", "decide"] as const)
      for (let round = 0; round < 10; round++) {
        const tradeId = `${action}${round}`;
        await judge(it.fresh.database, batchId, [{ tradeId, verdict: "MISMATCH" }]);
        const { version } = await look(tradeId);
        const body = action === "take" ? { action } : { action, reason: "accept", version };
        const answers = await Promise.all(people.map((one) => act(one, body, tradeId)));
        const winners = answers.filter(({ status }) => status === 200);
        expect(winners).toHaveLength(1);
        const { last } = (await winners[0]!.json()) as { last: { who: string; at: string } };
        for (const answer of answers.filter(({ status }) => status !== 200)) {
          expect(answer.status).toBe(409);
          const { type, detail } = (await answer.json()) as Problem;
          expect(type).toBe("/problems/conflict");
          expect(detail).toContain(last.who);
          expect(detail).toContain(last.at);
        }
        expect((await look(tradeId)).rows).toHaveLength(1);
      }
    expect((await verifyAccessLog(it.fresh.database, inject("logFolder"))).faults).toEqual([]);
  });

  test("where the access log cannot be written, nothing is decided, noted, drawn or held: 503", async () => {
    const { kysely } = it.fresh.database;
    const { version } = await look();
    await sql`ALTER TABLE accessLog RENAME TO gone`.execute(kysely);
    for (const body of [
      { action: "take" },
      { action: "note", note: "a note" },
      { action: "decide", reason: "accept", version },
    ])
      expect((await act(ann, body)).status).toBe(503);
    const hold = { scope: "batch", batch: batchId, reason: "a letter" };
    expect((await fetch(`${it.url}/api/holds`, post(hold, ann))).status).toBe(503);
    expect((await fetch(`${it.url}/api/batch/${batchId}/draw`, post({ share: 1 }, ann))).status).toBe(503);
    await sql`ALTER TABLE gone RENAME TO accessLog`.execute(kysely);
    for (const table of ["review", "retentionHold"])
      expect((await sql`SELECT 1 FROM ${sql.table(table)}`.execute(kysely)).rows).toEqual([]);
    expect(await done(ann, { action: "take" })).toMatchObject({ state: "taken" });
  });

  test("a decision after which the trade was judged again is open again and says why", async () => {
    const { version } = await look();
    const decided = await done(ann, { action: "decide", reason: "accept", version });
    await judge(it.fresh.database, batchId, [{ tradeId: "T1", verdict: "CONFIRMED" }], 2);
    const again = await look();
    expect(again).toMatchObject({ state: "open", decision: null, verdict: "CONFIRMED" });
    expect(again.reopened).toMatch(
      /^ann decided about MISMATCH at .*Z\. The trade was judged again by run 2: CONFIRMED\.$/,
    );
    expect((await refused(bob, { action: "approve", version: decided.version }))[0]).toBe(409);
    // Who looked before the verdict changed has not seen it.
    expect((await refused(bob, { action: "decide", reason: "accept", version: decided.version }))[0]).toBe(409);
    const listed = await get<{ cases: { tradeId: string; state: string; isReopened: boolean }[] }>(
      `${it.url}/api/batch/${batchId}/cases?state=open`,
      { headers: it.as("auditor") },
    );
    expect(listed.body.cases.map(({ tradeId, isReopened }) => [tradeId, isReopened])).toEqual([
      ["T1", true],
      ["T3", false],
    ]);
    expect(await done(bob, { action: "decide", reason: "accept", version: again.version })).toMatchObject({
      state: "decided",
    });
  });

  test("a trade that is CONFIRMED is no case until it is drawn; the draw counts into the figures with its decision", async () => {
    expect((await problem(path("T2"), { headers: ann })).detail).toContain("is no case");
    expect((await problem(path("T9"), { headers: ann })).detail).toContain("There is no trade T9");
    const draw = async (asked: unknown) =>
      (await get<Record<string, unknown>>(`${it.url}/api/batch/${batchId}/draw`, post(asked, bob))).body;
    const made = await draw({ share: 0.02, seed: "january" });
    expect(made).toEqual({ number: 1, seed: "january", share: 0.02, population: 1, drawn: 1, added: 1 });
    expect(await draw({ share: 0.02, seed: "january" })).toEqual({ ...made, added: 0 });
    expect(await draw({ share: 0.02 })).toMatchObject({ number: 2, seed: expect.stringMatching(/.{30}/), added: 0 });
    const { version, isDrawn } = await look("T2");
    expect(isDrawn).toBe(true);
    expect((await act(ann, { action: "decide", reason: "violation", note: "it was not", version }, "T2")).status).toBe(
      200,
    );
    const figures = async () =>
      (await get<Record<string, unknown>>(`${it.url}/api/accuracy?batch=${batchId}`, { headers: it.as("auditor") }))
        .body;
    expect(await figures()).toMatchObject({ confirmed: { of: 0, share: null }, decisions: 0 });
    await act(bob, { action: "approve", version: (await look("T2")).version }, "T2");
    expect(await figures()).toMatchObject({
      confirmed: { count: 0, of: 1, share: 0, low: 0, high: expect.closeTo(0.7935, 3) },
      agreement: { count: 1, of: 1 },
      models: [
        { stage: "stt", model: "stt 1 m1", decisions: 1, uncorrected: { count: 1, of: 1 } },
        { stage: "llm1", model: "llm1 1 m1" },
        { stage: "llm2", model: null },
        { stage: "verdicts", model: null },
      ],
    });
    const { body } = await get<{ reasons: { reason: string }[] }>(`${it.url}/api/reasons`, { headers: ann });
    expect(body.reasons.map(({ reason }) => reason)).toEqual(["accept", "violation", "no_fault", "other_evidence"]);
  });

  test("requests of pages of other sites change nothing", async () => {
    for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }] as Headers[])
      for (const [url, body] of [
        [path(), { action: "take" }],
        [`${it.url}/api/batch/${batchId}/draw`, { share: 1 }],
        [`${it.url}/api/holds`, { scope: "batch", batch: batchId, reason: "a letter" }],
      ] as const)
        expect((await fetch(url, post(body, { ...ann, ...headers }))).status).toBe(403);
    expect((await look()).rows).toEqual([]);
  });

  test("holds: set with a reason, released by an administrator, once; what is not there cannot be held", async () => {
    const before = (await it.log()).length;
    const hold = (asked: unknown) => fetch(`${it.url}/api/holds`, post(asked, ann));
    for (const wrong of [
      { scope: "trade", batch: batchId, reason: "letter" },
      { scope: "batch", batch: batchId, subject: "T1", reason: "letter" },
      { scope: "call", subject: "C1", reason: "letter" },
      { scope: "batch", batch: batchId },
    ])
      expect([wrong, (await hold(wrong)).status]).toEqual([wrong, 400]);
    const gone = await problem(
      `${it.url}/api/holds`,
      post({ scope: "trade", batch: batchId, subject: "T9", reason: "letter" }, ann),
    );
    expect([gone.status, gone.detail]).toEqual([404, expect.stringContaining("nothing left to hold")]);
    expect(await it.log()).toHaveLength(before);
    const set = await hold({ scope: "trade", batch: batchId, subject: "T1", reason: "letter 7" });
    expect([set.status, await set.json()]).toEqual([200, { number: 1, payloadsRemovedAt: null }]);
    const release = (headers: Headers) => fetch(`${it.url}/api/holds/1/release`, post({ reason: "over" }, headers));
    expect((await release(ann)).status).toBe(403);
    const answers = await Promise.all([release(it.as("admin")), release(it.as("admin"))]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect((await get<{ holds: unknown[] }>(`${it.url}/api/holds`, { headers: ann })).body.holds).toEqual([]);
    const { body } = await get<{ holds: { scope: string; released: { who: string } }[] }>(
      `${it.url}/api/holds?released=1&batch=${batchId}`,
      { headers: ann },
    );
    expect(body.holds).toMatchObject([{ scope: "trade", subject: "T1", released: { who: "the admin" } }]);
    const log = (await it.log()).slice(before).map(({ action, what }) => `${action}: ${what}`);
    expect(log[0]).toBe(`hold: trade T1 of batch ${batchId}`);
    expect(new Set(log.slice(1))).toEqual(new Set([`release: hold 1, of trade T1 of batch ${batchId}`]));
  });
});
