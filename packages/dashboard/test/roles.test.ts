/** Every route, asked by everybody: what a role may not do is refused before the route does anything, whichever way it is asked. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { may, ROLES, type Role } from "@cofi/access/roles";
import { guarded, type Guarded } from "./access-support.js";
import { get } from "./dashboard-support.js";

const TOKEN = "a-token-for-the-tests-alone";
/** Who may see contents. */
const READERS: readonly Role[] = ["reviewer", "auditor", "admin"];
/** Who may use a route that not everybody may. Said here once more, so that nothing is opened by a slip in the table. */
const RESTRICTED: Readonly<Record<string, readonly Role[]>> = {
  "POST /api/events/{id}/reveal": READERS,
  "POST /api/batch/{id}/search": ["auditor", "admin"],
  "POST /api/batch/{id}/trades/{tradeId}/reveal": READERS,
  "POST /api/batch/{id}/calls/{callId}/reveal": READERS,
  "POST /api/batch/{id}/calls/{callId}/play": READERS,
  "GET /api/batch/{id}/calls/{callId}/sound": READERS,
  "GET /api/batch/{id}/calls/{callId}/peaks": READERS,
  "GET /api/reasons": READERS,
  "GET /api/accuracy": READERS,
  "GET /api/batch/{id}/cases": READERS,
  "POST /api/batch/{id}/draw": ["reviewer", "admin"],
  "GET /api/batch/{id}/trades/{tradeId}/review": READERS,
  "POST /api/batch/{id}/trades/{tradeId}/review": ["reviewer", "admin"],
  "POST /api/batch/{id}/trades/{tradeId}/review/reveal": READERS,
  "GET /api/holds": READERS,
  "POST /api/holds": ["reviewer", "admin"],
  "POST /api/holds/reveal": READERS,
  "POST /api/holds/{id}/release": ["admin"],
  "GET /api/access-log": ["auditor", "admin"],
  "GET /api/batch/{id}/trades/{tradeId}/pack": ["auditor", "admin"],
  "GET /api/sessions": ["admin"],
  "GET /api/users": ["admin"],
  "DELETE /api/sessions/{id}": ["admin"],
  "POST /api/sessions/end": ["admin"],
};

let it: Guarded;
beforeEach(async () => {
  it = await guarded("sqlite", { COFI_ACCESS_TOKEN: TOKEN });
  const { id: batchId } = await it.store.createBatch({ name: "night", folder: null });
  await it.fresh.insertForeign({ batchId, stage: "stt", eventType: "info", payload: "{}" });
});
afterEach(() => it.close());

/** `GET /api/batch/{id}`, of all routes that the documents name. */
async function routes(): Promise<string[]> {
  const headers = it.as("viewer");
  const { body } = await get<{ paths: Record<string, Record<string, unknown>> }>(`${it.url}/docs/json`, { headers });
  return Object.entries(body.paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
}

/** The status, of the answer's head alone: the stream never ends. */
async function ask(route: string, headers: Record<string, string>, verb?: string): Promise<number> {
  const [method = "", path = ""] = route.split(" ");
  const left = new AbortController();
  const body = method === "POST" ? { body: "{}" } : {};
  const type: Record<string, string> = method === "POST" ? { "content-type": "application/json" } : {};
  // No session has this number, and so nothing is ended; the first batch and the first event have the number 1.
  const url = `${it.url}${path.replace("{id}", path.includes("sessions") ? "999" : "1").replace("{tradeId}", "T1")}`;
  const init = { method: verb ?? method, headers: { ...type, ...headers }, ...body, signal: left.signal };
  const { status } = await fetch(url, init);
  left.abort();
  return status;
}

test("by a session, by the access token, and by nothing", async () => {
  const all = await routes();
  expect(all.length).toBeGreaterThan(25);
  for (const route of Object.keys(RESTRICTED)) expect(all).toContain(route);
  for (const route of all) {
    const allowed = RESTRICTED[route] ?? ROLES;
    expect([route, await ask(route, {})]).toEqual([route, 401]);
    expect([route, await ask(route, { authorization: "Bearer wrong-and-wrong-again" })]).toEqual([
      route,
      expect.toSatisfy((status) => status === 401 || status === 429),
    ]);
    for (const role of ROLES) {
      const status = await ask(route, it.as(role));
      expect([route, role, status === 403]).toEqual([route, role, !allowed.includes(role)]);
      expect([route, role, status]).not.toEqual([route, role, 401]);
    }
    const asViewer = await ask(route, { authorization: `Bearer ${TOKEN}` });
    expect([route, asViewer === 403]).toEqual([route, !allowed.includes("viewer")]);
  }
});

test("HEAD says no more than GET, and other verbs do nothing", async () => {
  for (const route of (await routes()).filter((one) => one.startsWith("GET") && !/\/(?:stream|pack)$/.test(one)))
    for (const role of ROLES) {
      const allowed = (RESTRICTED[route] ?? ROLES).includes(role);
      expect([route, role, (await ask(route, it.as(role), "HEAD")) === 403]).toEqual([route, role, !allowed]);
      for (const verb of ["PUT", "PATCH", "OPTIONS"])
        expect([route, role, verb, await ask(route, it.as(role), verb)]).toEqual([route, role, verb, 404]);
    }
  expect((await it.log()).filter(({ action }) => action === "reveal")).toEqual([]);
});

test("each role has its permissions, and no others", () => {
  const permissions = ["progress", "act", "contents", "decide", "readAll", "pack", "admin"] as const;
  expect(ROLES.map((role) => [role, permissions.filter((permission) => may(role, permission))])).toEqual([
    ["viewer", ["progress"]],
    ["operator", ["progress", "act"]],
    ["reviewer", ["progress", "contents", "decide"]],
    ["auditor", ["progress", "contents", "readAll", "pack"]],
    ["admin", [...permissions]],
  ]);
});
