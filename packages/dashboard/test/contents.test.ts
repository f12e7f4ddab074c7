/** Contents reach nobody to whom they are not due: every route, every role, every way. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import type { LogEventDetail } from "@cofi/event-log/events";
import { ROLES } from "@cofi/access/roles";
import { verifyAccessLog } from "@cofi/access/verify-log";
import { DIALECTS } from "../../../test/support/databases.js";
import { storeTrades } from "../../../test/support/trades.js";
import { guarded, post, type Guarded } from "./access-support.js";
import { Feed, get, problem, until } from "./dashboard-support.js";

const WORD = "Zebedeecanary";
const PHONE = "919812345678";
const CANARY = new RegExp(`${WORD}|${PHONE}|${PHONE.slice(2)}|MN0042`, "i");
const NAME = `20260105-101500_+${PHONE}_D01.wav`;
const ECHO = `HTTP 400 from the engine: {"messages":[{"role":"user","content":"${WORD} wants it, call +${PHONE}, code MN0042"}]}`;
const nested = (depth: number): unknown =>
  depth === 0 ? { text: `${WORD} ${PHONE}`, [WORD]: [WORD, 919_812_345_678, "MN0042"] } : { list: [nested(depth - 1)] };

describe.each(DIALECTS)("contents on %s", (dialect) => {
  let it: Guarded;
  let batchId: number;
  let ids: number[];

  const insert = async (row: Record<string, string | number | null>): Promise<number> => {
    const id = await it.fresh.insertForeign({ batchId, ...row });
    ids.push(id);
    return id;
  };

  beforeEach(async () => {
    it = await guarded(dialect);
    batchId = (await it.store.createBatch({ name: "night", folder: null, totalFiles: 2 })).id;
    ids = [];
    const body = JSON.stringify(nested(12));
    const long = `${"the request was too long ".repeat(600)}${WORD}`;
    await storeTrades(it.fresh, batchId, { word: WORD, phone: PHONE, client: "MN0042" });
    await insert({ stage: "stt", eventType: "stage_start", totalFiles: 2 });
    await insert({ stage: "stt", eventType: "file_start", fileName: NAME, gpuIp: "gpu-1", payload: body });
    await insert({
      stage: "stt",
      eventType: "file_complete",
      fileName: NAME,
      gpuIp: "gpu-1",
      status: "success",
      response: body,
    });
    await insert({ stage: "stt", eventType: "file_start", fileName: "b.wav", payload: `no JSON ${WORD}` });
    await insert({
      stage: "stt",
      eventType: "error",
      fileName: "b.wav",
      status: "failed",
      gpuIp: "gpu-1",
      errorMessage: ECHO,
    });
    await insert({ stage: "llm1", eventType: "error", fileName: NAME, status: "failed", errorMessage: long });
    await insert({ stage: "llm1", eventType: "info", fileName: NAME, metadata: body });
    await insert({
      stage: "llm1",
      eventType: "info",
      metadata: JSON.stringify({ message: `${WORD} ${PHONE}`, skipped: WORD }),
    });
    await insert({
      stage: "llm2",
      eventType: "info",
      fileName: "b.wav",
      metadata: JSON.stringify({ skipped: WORD, big: `${"x".repeat(20_000)}${WORD}` }),
    });
    await insert({
      stage: "stt",
      eventType: "info",
      fileName: "c.wav",
      payload: `{"cut":"${WORD}`,
      payloadCut: JSON.stringify({ bytes: 9_000, sha256: "ab".repeat(32) }),
    });
  });
  afterEach(() => it.close());

  /** Every GET route of the documents, for this batch and each event, in several ways of asking. */
  const paths = async (): Promise<string[]> => {
    const docs = await get<{ paths: Record<string, Record<string, unknown>> }>(`${it.url}/docs/json`, {
      headers: it.as("viewer"),
    });
    const routes = Object.entries(docs.body.paths).flatMap(([path, verbs]) => ("get" in verbs ? [path] : []));
    expect(routes.length).toBeGreaterThan(20);
    const plain = routes
      .filter((path) => path !== "/api/stream")
      .flatMap((path) =>
        (path.startsWith("/api/events/") ? ids : [batchId]).map((id) =>
          path.replace("{id}", String(id)).replace("{tradeId}", "T1").replace("{callId}", "C1"),
        ),
      );
    const files = `/api/batch/${batchId}/files`;
    const guesses = [WORD, PHONE, NAME, "b.wav"].map((text) => encodeURIComponent(text));
    return [
      ...plain,
      ...["csv", "json", "ndjson"].flatMap((format) => [
        `/api/batch/${batchId}/export/files?format=${format}&everything=1`,
        `/api/batch/${batchId}/export/events?format=${format}`,
        `/api/batch/${batchId}/export/trades?format=${format}`,
        `/api/batch/${batchId}/export/trades?format=${format}&contents=1&reason=curious`,
        `/api/batch/${batchId}/export/events?format=${format}&bodies=1&reason=curious`,
      ]),
      ...guesses.flatMap((text) => [
        `${files}?text=${text}&everything=1`,
        ...["text", "client", "tradeId", "callId", "symbol"].map(
          (name) => `/api/batch/${batchId}/trades?${name}=${text}`,
        ),
        `/api/batch/${batchId}/trades/${text}`,
        `/api/batch/${batchId}/calls/${text}`,
        `/api/batch/${batchId}/logs?fileName=${text}`,
      ]),
      `${files}?everything=1&sort=name`,
      `/api/batch/${batchId}/nothing`,
      `/api/batch/${WORD}`,
      "/api/nothing",
      "/",
      "/docs",
      "/login",
    ];
  };

  test("no byte of them leaves by any route, for any role, unless it is revealed", async () => {
    const all = await paths();
    const due = new Set(["auditor", "admin"]);
    let asked = 0;
    for (const role of [null, ...ROLES]) {
      const headers = role === null ? {} : it.as(role);
      for (const path of all) {
        const response = await fetch(`${it.url}${path}`, { headers, redirect: "manual" });
        const said = (await response.text()) + JSON.stringify([...response.headers]);
        asked += 1;
        if (role === null && path !== "/login") expect([path, response.status]).toEqual([path, 401]);
        // What the request itself says may be said back to it.
        const own = path.includes(WORD) || path.includes(PHONE) ? said.replaceAll(path.split("?")[0]!, "") : said;
        // What others have searched for is what auditors look at.
        if (path === "/api/access-log" && role !== null && due.has(role)) continue;
        const isWhole = /(?:bodies|contents)=1/.test(path);
        if (isWhole && role !== null && due.has(role)) expect(own, `${role} ${path}`).toMatch(CANARY);
        else expect(own, `${role} ${path}`).not.toMatch(CANARY);
        if (isWhole && role !== null && !due.has(role)) expect(response.status).toBe(403);
      }
    }
    expect(asked).toBe(all.length * (ROLES.length + 1));
  });

  test("nor by the stream: first snapshot, what comes, and what was missed", async () => {
    for (const role of ROLES) {
      const before = ids.at(-1)!;
      const feeds = [
        new Feed(`${it.url}/api/stream?batch=${batchId}`, it.as(role)),
        new Feed(`${it.url}/api/stream?batch=${batchId}&lastEventId=1`, it.as(role)),
      ];
      await Promise.all(feeds.map((feed) => feed.ready()));
      const id = await insert({
        stage: "stt",
        eventType: "error",
        fileName: NAME,
        status: "failed",
        errorMessage: ECHO,
      });
      await until(() => feeds.every((feed) => feed.ids.includes(id)), "the event");
      for (const feed of feeds) {
        feed.close();
        const said = JSON.stringify([feed.snapshots, feed.frames, feed.states]);
        expect(said).not.toMatch(CANARY);
        expect(said).toContain("HTTP 400 from the engine");
      }
      expect(feeds[1]?.ids).toContain(before);
    }
  });

  test("a name is shown without its number, and finds its file as it is shown; the number itself finds nothing", async () => {
    const headers = it.as("viewer");
    const logs = async (query: string): Promise<number[]> =>
      (
        await get<{ events: { id: number }[] }>(`${it.url}/api/batch/${batchId}/logs?${query}`, { headers })
      ).body.events.map(({ id }) => id);
    const { body } = await get<LogEventDetail>(`${it.url}/api/events/${ids[1]}`, { headers });
    expect(body.fileName).toMatch(/^20260105-101500_tel~[\w-]{22}~_D01\.wav$/);
    expect(await logs(new URLSearchParams({ fileName: body.fileName! }).toString())).toHaveLength(4);
    expect(await logs(new URLSearchParams({ fileName: NAME }).toString())).toEqual([]);
  });

  test("each reveal is one entry, written before; without a reason, or with a role that may not, there is none", async () => {
    const before = (await it.log()).length;
    const reveal = (id: number, role: (typeof ROLES)[number], reason?: string) =>
      fetch(`${it.url}/api/events/${id}/reveal`, post({ reason }, it.as(role)));
    for (const role of ["viewer", "operator"] as const)
      expect((await reveal(ids[1]!, role, "curious")).status).toBe(403);
    for (const reason of [undefined, "", "  a ", "x".repeat(1_001)])
      expect((await reveal(ids[1]!, "reviewer", reason)).status).toBe(400);
    expect((await reveal(999_999, "reviewer", "a good reason")).status).toBe(404);
    expect(await it.log()).toHaveLength(before);

    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        reveal(ids[n % ids.length]!, n % 2 === 0 ? "reviewer" : "auditor", `case ${n}`),
      ),
    );
    for (const [n, answer] of answers.entries()) {
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as LogEventDetail).id).toBe(ids[n % ids.length]);
    }
    const entries = (await it.log()).slice(before);
    expect(entries).toHaveLength(100);
    expect(new Set(entries.map(({ request }) => request)).size).toBe(100);
    expect(new Set(entries.map(({ why }) => why)).size).toBe(100);
    for (const entry of entries) {
      const n = Number(entry.why.replace("case ", ""));
      const who = n % 2 === 0 ? "the reviewer" : "the auditor";
      expect(entry).toMatchObject({
        action: "reveal",
        who,
        what: `event ${ids[n % ids.length]}`,
        batchId,
        address: "127.0.0.1",
      });
    }
    const whole = (await (await reveal(ids[2]!, "reviewer", "the whole")).json()) as LogEventDetail;
    expect(JSON.parse(whole.response ?? "")).toEqual(JSON.parse(JSON.stringify(nested(12))));
    expect(whole).toMatchObject({ fileName: NAME });
    expect(whole.masked).toBeUndefined();
    expect((await verifyAccessLog(it.fresh.database, inject("logFolder"))).faults).toEqual([]);
  });

  test("where the access log cannot be written, the answer is 503 and no byte of contents", async () => {
    const { kysely } = it.fresh.database;
    await sql`ALTER TABLE accessLog RENAME TO gone`.execute(kysely);
    const asked: [string, RequestInit][] = ids.map((id) => [
      `/api/events/${id}/reveal`,
      post({ reason: "a good reason" }, it.as("admin")),
    ]);
    asked.push([`/api/batch/${batchId}/export/events?bodies=1&reason=a%20good%20reason`, { headers: it.as("admin") }]);
    for (const path of ["trades/T1", "calls/C1"])
      asked.push([`/api/batch/${batchId}/${path}/reveal`, post({ reason: "a good reason" }, it.as("admin"))]);
    asked.push([`/api/batch/${batchId}/export/trades`, { headers: it.as("admin") }]);
    asked.push([`/api/batch/${batchId}/export/events`, { headers: it.as("admin") }]);
    for (const [path, init] of asked) {
      const refused = await problem(`${it.url}${path}`, init);
      expect([path, refused.status]).toEqual([path, 503]);
      expect(JSON.stringify(refused)).not.toMatch(CANARY);
    }
    await sql`ALTER TABLE gone RENAME TO accessLog`.execute(kysely);
    expect((await fetch(`${it.url}${asked[0]![0]}`, asked[0]![1])).status).toBe(200);
  });

  test("exports and searches are in the access log", async () => {
    const before = (await it.log()).length;
    for (const path of [
      "export/files",
      "export/events?format=json",
      "files?text=b.w",
      "files?text=b.w",
      "files?text=c.w",
    ])
      expect((await fetch(`${it.url}/api/batch/${batchId}/${path}`, { headers: it.as("operator") })).status).toBe(200);
    await (
      await fetch(`${it.url}/api/batch/${batchId}/export/events?bodies=1&reason=for%20the%20regulator`, {
        headers: it.as("auditor"),
      })
    ).text();
    expect((await it.log()).slice(before).map(({ who, action, what, why }) => [who, action, what, why])).toEqual([
      ["the operator", "export", `files of batch ${batchId}`, ""],
      ["the operator", "export", `events of batch ${batchId}`, ""],
      ["the operator", "search", 'files whose name has "b.w"', ""],
      ["the operator", "search", 'files whose name has "c.w"', ""],
      ["the auditor", "export", `events with payloads and responses of batch ${batchId}`, "for the regulator"],
    ]);
  });

  test("the access log is read page by page, by those who may read everything", async () => {
    for (let n = 0; n < 5; n++)
      await fetch(`${it.url}/api/events/${ids[0]}/reveal`, post({ reason: `case ${n}` }, it.as("reviewer")));
    for (const role of ["viewer", "operator", "reviewer"] as const)
      expect((await problem(`${it.url}/api/access-log`, { headers: it.as(role) })).status).toBe(403);
    const seen: string[] = [];
    let cursor = "";
    for (;;) {
      const { body } = await get<{ entries: { why: string }[]; nextCursor: string | null }>(
        `${it.url}/api/access-log?action=reveal&who=the%20reviewer&batch=${batchId}&limit=2${cursor}`,
        { headers: it.as("auditor") },
      );
      seen.push(...body.entries.map(({ why }) => why));
      if (body.nextCursor === null) break;
      cursor = `&before=${body.nextCursor}`;
    }
    expect(seen).toEqual(["case 4", "case 3", "case 2", "case 1", "case 0"]);
  });
});
