/** What is said of hosts by the API is what SQL says: on batches with retries, two runs, and rows that anybody wrote. */
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { HOST_NEWS } from "@cofi/event-log/event-metadata";
import type { StoredEvent } from "@cofi/event-log/event-columns";
import type { Problem } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { HostHistory, HostStageView, HostsView } from "@cofi/views/detail/host-shapes";
import { DIALECTS } from "../../../test/support/databases.js";
import { done, rowsFor, step } from "../../../test/support/host-night.js";
import { get, run, until, type Running } from "./dashboard-support.js";

const [GOOD, BAD] = ["10.0.0.7", "10.0.0.8"];
const STT = STAGES.findIndex(({ name }) => name === "stt");
const out = step({ host: BAD, from: "healthy", to: "ejected", rule: "3 faults in a row" });
const tried = step({ host: BAD, from: "ejected", to: "probing", rule: "it says that it is well" });
const back = step({ host: BAD, from: "probing", to: "healthy", rule: "it answers again" });
const begun: Partial<StoredEvent> = { eventType: "stage_start", totalFiles: 9 };
const over: Partial<StoredEvent> = { eventType: "stage_complete", status: "success" };

async function withBatch(
  dialect: (typeof DIALECTS)[number],
  work: (batch: {
    it: Running;
    id: number;
    log: (number: number, ...events: readonly Partial<StoredEvent>[]) => Promise<void>;
    cell: (host: string) => Promise<HostStageView | null>;
    hosts: () => Promise<HostsView>;
    history: (query?: string) => Promise<HostHistory>;
  }) => Promise<void>,
): Promise<void> {
  const it = await run(dialect);
  try {
    const { id } = await it.store.createBatch({ name: "night", folder: null });
    await it.store.updateBatch(id, { status: "running", startedAt: new Date() });
    const path = `${it.url}/api/batch/${id}/hosts`;
    const hosts = async () => (await get<HostsView>(path)).body;
    await work({
      it,
      id,
      log: (number, ...events) =>
        it.store.insertEvents(rowsFor(id, events, Date.now()).map((row) => ({ ...row, run: number }))),
      hosts,
      cell: async (host) => (await hosts()).hosts.find((one) => one.host === host)?.stages[STT] ?? null,
      history: async (query = "") => (await get<HostHistory>(`${path}/history${query}`)).body,
    });
  } finally {
    await it.close();
  }
}

describe.each(DIALECTS)("hosts on %s", (dialect) => {
  test("the state is that of the last step in the newest run; a host that only works is in use, one that is not seen has none", () =>
    withBatch(dialect, async ({ it, id, log, hosts, cell }) => {
      await log(1, begun, ...done("stt", "a.wav", GOOD, 10), ...done("stt", "b.wav", BAD, 10), out);
      await until(async () => (await cell(BAD))?.news.ejected === 1, "the step");
      const view = await hosts();
      expect(view.isCurrent).toEqual(STAGES.map((_, stage) => stage === STT));
      expect(view.hosts.map(({ host, now }) => [host, now?.condition, now?.stage, now?.rule, now?.url])).toEqual([
        [GOOD, "healthy", "stt", null, null],
        [BAD, "ejected", "stt", "3 faults in a row", `http://${BAD}:8000`],
      ]);
      const [state] = (await cell(BAD))!.states;
      const { rows } = await sql<{
        id: number;
      }>`SELECT max(id) AS id FROM batchExecutionLog WHERE batchId = ${id}`.execute(it.fresh.database.kysely);
      expect(state?.eventId).toBe(Number(rows[0]?.id));

      // The run is killed; another one begins, in which the host has not been asked yet.
      await log(2, begun, ...done("stt", "c.wav", GOOD, 10));
      await until(async () => (await cell(BAD))?.states.length === 0, "the second run");
      expect((await hosts()).hosts.map(({ now }) => now?.condition ?? null)).toEqual(["healthy", null]);
      // A late leftover of the first run changes nothing.
      await log(1, tried);
      await log(2, ...done("stt", "d.wav", BAD, 10));
      await until(async () => (await cell(BAD))?.states[0]?.condition === "healthy", "a file of the host");
      expect((await cell(BAD))?.news).toMatchObject({ ejected: 1, probing: 0 });

      await log(2, out, over);
      await until(async () => (await cell(BAD))?.states[0]?.condition === "ejected", "the end");
      const last = await hosts();
      expect(last.isCurrent.some(Boolean)).toBe(false);
      expect(last.hosts.map(({ now }) => now)).toEqual([null, null]);
    }));

  test("two engines of a host have a state each, the worst first; a batch that nobody works on has states that are history", () =>
    withBatch(dialect, async ({ it, id, log, hosts, cell }) => {
      const other = step({
        host: BAD,
        engine: "1",
        engines: 3,
        from: "joining",
        to: "joining",
        rule: "it is still loading",
      });
      await log(1, begun, out, tried, out, other, ...done("stt", "a.wav", BAD, 10));
      await until(async () => (await cell(BAD))?.states.length === 2, "both engines");
      expect((await cell(BAD))?.states.map(({ condition, url }) => [condition, url])).toEqual([
        ["ejected", `http://${BAD}:8000`],
        ["joining", `http://${BAD}:8010`],
      ]);
      expect((await cell(BAD))?.engines).toBe(3);
      expect((await hosts()).hosts[0]?.now?.condition).toBe("ejected");
      await it.store.updateBatch(id, { status: "interrupted" });
      await until(async () => (await hosts()).hosts[0]?.now === null, "the batch to be interrupted");
      expect((await cell(BAD))?.states[0]?.condition).toBe("ejected");
    }));

  test("the history is SQL's, page by page and by host, stage and kind, whatever writers put into their rows", () =>
    withBatch(dialect, async ({ it, id, log, hosts, history }) => {
      const strange = [
        '{"host":{"to":"nowhere"}}',
        '{"host":[],"hedge":{},"outrun":{"attempt":"2"}}',
        '{"host":{"to":{"to":"gone"}}}',
        "[[[]]]",
        "7",
        '"ejected"',
      ].map((metadata): Partial<StoredEvent> => ({ gpuIp: BAD, metadata }));
      const races: Partial<StoredEvent>[] = [
        {
          gpuIp: GOOD,
          fileName: "a.wav",
          metadata: '{"hedge":{"attempt":2,"of":1,"rule":"it has been in work for long"}}',
        },
        {
          gpuIp: BAD,
          fileName: "a.wav",
          metadata: '{"outrun":{"attempt":1,"rule":"another host has answered first"}}',
        },
      ];
      const flaps = Array.from({ length: 20 }, () => [out, tried, back]).flat();
      await log(
        1,
        { stage: "denoise", ...begun },
        step({ stage: "denoise", host: GOOD, from: "healthy", to: "gone", rule: "away" }),
      );
      await log(1, begun, ...strange, ...flaps, ...races, { ...out, gpuIp: null }, { ...out, eventType: "error" });
      await log(2, begun, out);
      await log(1, tried);
      await until(async () => (await history()).counts.ejected === 21, "all of it");

      // A row of an older run than that of a row before it is history.
      const { rows } = await sql<{ id: number; gpuIp: string; stage: string; kind: string | null }>`
        SELECT log.id, log.gpuIp, log.stage, COALESCE(JSON_EXTRACT(metadata, '$.host.to'),
          CASE WHEN JSON_EXTRACT(metadata, '$.hedge.attempt') > 0 THEN 'hedge'
               WHEN JSON_EXTRACT(metadata, '$.outrun.attempt') = 1 THEN 'outrun' END) AS kind
        FROM batchExecutionLog AS log WHERE batchId = ${id} AND eventType = 'info' AND gpuIp IS NOT NULL
          AND NOT EXISTS (SELECT * FROM batchExecutionLog AS newer
            WHERE newer.batchId = log.batchId AND newer.id < log.id AND newer.run > log.run)
        ORDER BY log.id DESC`.execute(it.fresh.database.kysely);
      const bySql = rows
        .map((row) => ({ ...row, id: Number(row.id), kind: row.kind?.replaceAll('"', "") }))
        .filter(({ kind }) => HOST_NEWS.some((one) => one === kind));
      expect(bySql.length).toBe(64);
      for (const [query, isAsked] of [
        ["", () => true],
        [`&host=${BAD}`, ({ gpuIp }) => gpuIp === BAD],
        [`&host=${GOOD}&stage=denoise`, ({ gpuIp, stage }) => gpuIp === GOOD && stage === "denoise"],
        ["&kind=ejected,hedge", ({ kind }) => kind === "ejected" || kind === "hedge"],
        ["&host=nobody", () => false],
      ] as [string, (row: (typeof bySql)[number]) => boolean][]) {
        const expected = bySql.filter(isAsked);
        const seen: HostHistory["rows"] = [];
        let cursor: string | null = "";
        while (cursor !== null) {
          const page: HostHistory = await history(`?limit=25${query}${cursor === "" ? "" : `&before=${cursor}`}`);
          expect([page.total, page.older]).toEqual([expected.length, expected.length - seen.length - page.rows.length]);
          seen.push(...page.rows);
          cursor = page.nextCursor;
        }
        expect(seen.map((row) => [row.id, row.host, row.stage, row.kind])).toEqual(
          expected.map((row) => [row.id, row.gpuIp, row.stage, row.kind]),
        );
      }
      const bad = (await hosts()).hosts.find(({ host }) => host === BAD)?.stages[STT];
      for (const kind of HOST_NEWS)
        expect([kind, bad?.news[kind]]).toEqual([
          kind,
          bySql.filter((row) => row.gpuIp === BAD && row.stage === "stt" && row.kind === kind).length,
        ]);
    }));

  test("refuses a kind that there is not, and says when there is no such batch", () =>
    withBatch(dialect, async ({ it, id }) => {
      const path = (batch: number): string => `${it.url}/api/batch/${batch}/hosts/history`;
      const refused = await get<Problem>(`${path(id)}?kind=ejected,fired`);
      expect([refused.status, refused.body.type]).toEqual([400, "/problems/bad-request"]);
      expect(refused.body.detail).toContain("kind");
      expect((await get<Problem>(path(id + 1))).status).toBe(404);
    }));
});
