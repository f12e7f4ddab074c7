/** The pack of a trade over HTTP: for those who may, with a reason, and in the access log before its first byte. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { ROLES, type Role } from "@cofi/access/roles";
import { Sessions } from "@cofi/access/sessions";
import { SigningKey } from "@cofi/evidence/seal-keys";
import { verifyPack } from "@cofi/pack/verify";
import type { Dashboard } from "@cofi/dashboard/server";
import { packLab, TRADE, type PackLab } from "../../pack/test/packed-case.js";
import { logOf } from "./access-support.js";
import { startDashboard } from "./dashboard-support.js";

const HOUR = 3_600_000;

let lab: PackLab;
let dashboard: Dashboard;
let url: string;
let cookies: Map<Role, string>;
beforeEach(async () => {
  lab = await packLab();
  const sessions = new Sessions(lab.fresh.database, { idleMs: HOUR, longestMs: HOUR });
  cookies = new Map();
  for (const role of ROLES)
    cookies.set(role, `cofi_session=${await sessions.begin({ who: `the ${role}`, role, way: "password" })}`);
  ({ dashboard, url } = await startDashboard(lab.store, { COFI_LOGIN: "1" }));
});
afterEach(async () => {
  await dashboard.close();
  await lab.close();
});

const ask = (role: Role, reason = "?reason=for%20the%20regulator", trade = TRADE): Promise<Response> =>
  fetch(`${url}/api/batch/${lab.batch.id}/trades/${trade}/pack${reason}`, {
    headers: { cookie: cookies.get(role) ?? "" },
  });
const packsInLog = async () =>
  (await logOf(lab.fresh.database).entries({ action: "export" }, { limit: 100 })).entries.map(
    ({ who, what, why, batchId }) => ({ who, what, why, batchId }),
  );

test("an auditor gets a pack that proves itself, and the access log says so", async () => {
  const answer = await ask("auditor");
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/zip",
    "content-disposition": 'attachment; filename="cofi-batch-1-T1.zip"',
    "cache-control": "no-store",
    "x-cofi-missing": "0",
  });
  const path = join(lab.folder, "asked.zip");
  await writeFile(path, Buffer.from(await answer.arrayBuffer()));
  const own = new SigningKey(inject("logFolder")).public;
  // The seal was made with the key of the lab.
  const keys = new Map([own, lab.key.public].map((key) => [key.id, key]));
  expect(await verifyPack(path, keys)).toMatchObject({ faults: [], key: { isKnown: true }, events: { sealed: 4 } });
  expect(await packsInLog()).toEqual([
    { who: "the auditor", what: "pack of trade T1 of batch 1", why: "for the regulator", batchId: 1 },
  ]);
});

test("who may not, gives no reason, or asks for what is not there, gets no byte and leaves no entry", async () => {
  for (const role of ["viewer", "operator", "reviewer"] as const) expect((await ask(role)).status).toBe(403);
  expect((await ask("auditor", "")).status).toBe(400);
  expect((await ask("auditor", undefined, "nowhere")).status).toBe(404);
  expect(
    (
      await fetch(`${url}/api/batch/1/trades/${TRADE}/pack`, {
        method: "HEAD",
        headers: { cookie: cookies.get("admin") ?? "" },
      })
    ).status,
  ).toBe(404);
  expect(await packsInLog()).toEqual([]);
});

test("what cannot be noted is not handed out", async () => {
  await sql`CREATE TRIGGER refused BEFORE INSERT ON accessLog BEGIN SELECT RAISE(ABORT, 'refused'); END`.execute(
    lab.fresh.database.kysely,
  );
  const answer = await ask("auditor");
  expect(answer.status).toBe(503);
  expect(await answer.text()).not.toContain("PK");
});
