/** What is done on the command line, as the access log says it. */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import type { Action, NewEntry } from "@cofi/access/log-entries";

/** By the user of this machine who has started the command, or the daily removal: whoever can read the database is its administrator. */
export function byThisUser(action: Action, what: string, batchId: number | null = null): NewEntry {
  return {
    who: `${nameHere()} on the server`,
    role: "admin",
    address: "",
    action,
    what,
    why: "",
    batchId,
    request: randomUUID(),
  };
}

/** Containers run as users without a name. */
function nameHere(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
