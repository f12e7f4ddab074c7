/** What people wrote about cases and holds is as secret as what clients said: every route of reviews and holds, every role, every way. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { may, ROLES, type Role } from "@cofi/access/roles";
import { Holds } from "@cofi/evidence/holds";
import { Reviews } from "@cofi/evidence/review/reviews";
import { DIALECTS } from "../../../test/support/databases.js";
import { judge } from "../../evidence/test/review-support.js";
import { guarded, post, type Guarded } from "./access-support.js";
import { get } from "./dashboard-support.js";

const WORD = "Zebedeecanary";
const PHONE = "919812345678";
const CODE = "MN0042";
const CANARY = new RegExp(`${WORD}|${PHONE}|${PHONE.slice(2)}|${CODE}`, "i");
const CALL = `20260105-101500_+${PHONE}_D01`;
const OF_REVIEWS = /\/(cases|review|reveal|draw|holds|release|accuracy|reasons)/;
const OF_OTHERS = /\/events\/|\/calls\/|\{tradeId\}\/reveal$/;

describe.each(DIALECTS)("contents of reviews and holds on %s", (dialect) => {
  let it: Guarded;
  let batchId: number;
  beforeEach(async () => {
    it = await guarded(dialect);
    batchId = (await it.store.createBatch({ name: "night", folder: null })).id;
    const trades = [
      { tradeId: "T1", verdict: "MISMATCH" },
      { tradeId: "T2", verdict: "CONFIRMED" },
    ];
    await judge(it.fresh.database, batchId, trades);
    const by = { who: "the reviewer", role: "reviewer" };
    const reviews = new Reviews(it.fresh.database);
    const place = { kind: "field", callId: CALL, order: 0, field: "clientCode" };
    const data = { ...place, said: CODE, truth: `${WORD} 42`, model: "llm1 1" };
    await reviews.add(batchId, "T1", 1, { ...by, what: "corrected", reason: "field", note: `call +${PHONE}`, data });
    const decided = { what: "decided", reason: "violation", note: `${WORD} said no, code ${CODE}` } as const;
    await reviews.add(batchId, "T1", 2, { ...by, ...decided, verdict: "MISMATCH" });
    const holds = new Holds(it.fresh.database);
    await holds.hold({ scope: "client", batchId: null, subject: CODE }, { ...by, reason: `${WORD} has sued` });
    const call = { batchId, callId: CALL, fileName: `${CALL}.wav`, startTime: "2026-01-05 10:15:00", durationS: 1 };
    await it.fresh.database.kysely.insertInto("callRecord").values(call).execute();
    await holds.hold({ scope: "call", batchId, subject: CALL }, { ...by, reason: `call of ${PHONE}` });
    await holds.release(2, { who: "the admin", role: "admin", reason: `not of ${WORD}` });
  });
  afterEach(() => it.close());

  /** `GET /api/holds`, of the routes that the documents name. */
  async function routes(): Promise<string[]> {
    const headers = it.as("viewer");
    const { body } = await get<{ paths: Record<string, Record<string, unknown>> }>(`${it.url}/docs/json`, { headers });
    const all = Object.entries(body.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    return all.filter((route) => OF_REVIEWS.test(route) && !OF_OTHERS.test(route));
  }

  const BODIES: unknown[] = [
    {},
    { action: "take" },
    { action: WORD },
    { action: "decide", reason: WORD, version: PHONE },
    { action: "decide", reason: "violation", note: WORD, version: CODE },
    { action: "approve", version: WORD },
    { action: "correct", correction: { kind: "word", callId: CALL, segment: 0, word: 0, truth: WORD } },
    { action: "correct", correction: { kind: WORD, callId: CALL, truth: WORD } },
    { share: WORD, seed: PHONE },
    { scope: WORD, subject: CODE, batch: PHONE },
    { scope: "client", subject: `${CODE}-not`, batch: 1, reason: WORD },
    { scope: "call", subject: `${CALL}-not`, batch: 1, reason: WORD },
  ];

  const filled = (path: string, id: string): string =>
    path.replace("{id}", path.includes("/holds/") ? "1" : id).replace("{tradeId}", "T1");

  test("no byte of them leaves unless it is revealed, neither by an error", async () => {
    const all = await routes();
    expect(all).toHaveLength(11);
    let asked = 0;
    let refused = 0;
    const ask = async (role: Role | null, method: string, path: string, body?: unknown): Promise<void> => {
      const headers = role === null ? {} : it.as(role);
      const response = await fetch(`${it.url}${path}`, method === "GET" ? { headers } : post(body, headers));
      const said = (await response.text()) + JSON.stringify([...response.headers]);
      asked += 1;
      refused += Number(response.status >= 400);
      // What the path itself says may be said back.
      const own = said.replaceAll(path.split("?")[0]!, "");
      expect(own, `${role} ${method} ${path} ${JSON.stringify(body)}`).not.toMatch(CANARY);
      if (role === null) expect(response.status).toBe(401);
      else if (!may(role, "contents")) expect([role, path, response.status]).toEqual([role, path, 403]);
    };
    for (const role of [null, ...ROLES])
      for (const route of all) {
        const [method = "", template = ""] = route.split(" ");
        const path = filled(template, String(batchId));
        if (method === "GET") {
          for (const query of ["", "?limit=1", `?who=${WORD}`, `?state=${WORD}`, `?batch=${batchId}`, "?released=1"])
            await ask(role, method, `${path}${query}`);
          await ask(role, method, filled(template, WORD));
          continue;
        }
        // A reveal without a reason, and by those who may not.
        for (const body of BODIES) await ask(role, method, path, body);
        if (path.endsWith("/reveal") && role !== null && !may(role, "contents"))
          await ask(role, method, path, { reason: "I want to know" });
      }
    expect(asked).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(300);
    // The access log stays for good: it has neither notes nor clients.
    expect(JSON.stringify(await it.log())).not.toMatch(CANARY);
  });

  test("equal values have equal pseudonyms; those who give a reason see what was written, and the access log has it", async () => {
    const path = `${it.url}/api/batch/${batchId}/trades/T1/review`;
    interface Shown {
      masked?: true;
      rows: { note: string; data: { said: string; callId: string } }[];
    }
    const { body: masked } = await get<Shown>(path, { headers: it.as("auditor") });
    const { body: held } = await get<{ holds: { subject: string; reason: string }[] }>(`${it.url}/api/holds`, {
      headers: it.as("reviewer"),
    });
    expect(masked.masked).toBe(true);
    expect(masked.rows[0]?.data.said).toBe(held.holds[0]?.subject);
    expect(masked.rows[0]?.data.callId).toMatch(/^20260105-101500_tel~[\w-]{22}~_D01$/);
    expect(masked.rows[1]?.note).toMatch(/^‹\w{8}›, code ‹\w{8}›$/);

    const before = (await it.log()).length;
    const reveal = (url: string, role: Role, reason?: string) => fetch(url, post({ reason }, it.as(role)));
    for (const role of ["reviewer", "auditor", "admin"] as const) {
      expect((await reveal(`${path}/reveal`, role)).status).toBe(400);
      expect(await (await reveal(`${path}/reveal`, role, "case of the regulator")).text()).toContain(WORD);
      expect(await (await reveal(`${it.url}/api/holds/reveal`, role, "case of the regulator")).text()).toContain(CODE);
    }
    expect((await it.log()).slice(before).map(({ action, what, why, batchId: id }) => [action, what, why, id])).toEqual(
      (["reviewer", "auditor", "admin"] as const).flatMap(() => [
        ["reveal", "the case of trade T1", "case of the regulator", batchId],
        ["reveal", "the holds", "case of the regulator", null],
      ]),
    );
  });
});
