/** A dashboard on which people log in, with somebody in each role. */
import { inject } from "vitest";
import type { Database, DialectName } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { AccessLog } from "@cofi/access/access-log";
import { LogKeeper } from "@cofi/access/log-keeper";
import type { Entry } from "@cofi/access/log-entries";
import { ROLES, type Role } from "@cofi/access/roles";
import { Sessions } from "@cofi/access/sessions";
import type { SoundPlaces } from "@cofi/dashboard/sound-places";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { startDashboard } from "./dashboard-support.js";

export interface Guarded {
  fresh: FreshDatabase;
  /** With everything as it is stored. */
  store: Store;
  url: string;
  sessions: Sessions;
  /** Headers of a browser that has logged in with this role. */
  as: (role: Role) => Record<string, string>;
  /** The access log, oldest first. */
  log: () => Promise<Entry[]>;
  close(): Promise<void>;
}

const HOUR = 3_600_000;

/** @param env on top of COFI_LOGIN=1 */
export async function guarded(
  dialect: DialectName,
  env: NodeJS.ProcessEnv = {},
  webRoot = "/nowhere",
  sound?: SoundPlaces,
): Promise<Guarded> {
  const fresh = await freshDatabase(dialect);
  const store = new Store(fresh.database);
  const sessions = new Sessions(fresh.database, { idleMs: HOUR, longestMs: HOUR });
  const secrets = new Map<Role, string>();
  for (const role of ROLES) secrets.set(role, await sessions.begin({ who: `the ${role}`, role, way: "password" }));
  const { dashboard, url } = await startDashboard(
    store,
    { COFI_LOGIN: "1", ...env },
    { webRoot, ...(sound && { sound }) },
  );
  return {
    fresh,
    store,
    url,
    sessions,
    as: (role) => ({ cookie: `cofi_session=${secrets.get(role)}` }),
    log: async () => (await logOf(fresh.database).entries({}, { limit: 10_000 })).entries.toReversed(),
    async close() {
      await dashboard.close();
      await fresh.close();
    },
  };
}

/** The access log of a database, as this machine writes it. */
export function logOf(database: Database): AccessLog {
  return new AccessLog(database, new LogKeeper(inject("logFolder")));
}

export function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

export function form(fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", body: new URLSearchParams(fields), headers, redirect: "manual" };
}

/** The cookies that an answer sets, as a browser would send them. */
export function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .filter((pair) => !pair?.endsWith("="))
    .join("; ");
}
