/** `cofi user`: users that log in with a password, and their sessions. */
import { isRole, ROLES, type Role } from "@cofi/access/roles";
import { Sessions } from "@cofi/access/sessions";
import { UserError, Users } from "@cofi/access/users";
import type { Database } from "@cofi/event-log/database";
import { accessLogOf, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { readPassword } from "../password.js";
import { byThisUser } from "../this-user.js";

/** Times of sessions are for those who begin one. */
const NO_TIMES = { idleMs: Number.MAX_SAFE_INTEGER / 2, longestMs: 0 };

export async function addUserCommand(name: string, options: { role: string }): Promise<void> {
  const role = roleNamed(options.role);
  const password = await readPassword(`Password for ${name}: `);
  await withUsers(async ({ users, note }) => {
    await users.add(name, role, password);
    await note(`user ${name} added as ${role}`);
    console.log(`${name} can log in as ${role}. A dashboard that ran without a log-in asks for one from now on.`);
  });
}

export async function listUsersCommand(): Promise<void> {
  await withUsers(async ({ users }) => {
    const all = await users.list();
    if (all.length === 0) console.log("There are no users. `npx cofi user add <name> --role <role>` adds one.");
    const width = Math.max(...all.map(({ name }) => name.length), 0);
    for (const { name, role, createdAt } of all)
      console.log(`${name.padEnd(width)}  ${role.padEnd(8)}  since ${createdAt}`);
  });
}

export async function setRoleCommand(name: string, given: string): Promise<void> {
  const role = roleNamed(given);
  await withUsers(async ({ users, note, endSessions }) => {
    await users.setRole(name, role);
    const ended = await endSessions(name);
    await note(`user ${name} has the role ${role} now`);
    console.log(`${name} is ${role} now${andLoggedOut(ended)}.`);
  });
}

export async function setPasswordCommand(name: string): Promise<void> {
  const password = await readPassword(`New password for ${name}: `);
  await withUsers(async ({ users, note, endSessions }) => {
    await users.setPassword(name, password);
    const ended = await endSessions(name);
    await note(`user ${name} has another password`);
    console.log(`${name} has a new password${andLoggedOut(ended)}.`);
  });
}

export async function removeUserCommand(name: string): Promise<void> {
  await withUsers(async ({ users, note, endSessions }) => {
    await users.remove(name);
    const ended = await endSessions(name);
    await note(`user ${name} removed`);
    console.log(`${name} is removed${andLoggedOut(ended)}. What ${name} did stays in the access log.`);
  });
}

/** Ends sessions of anybody, whichever way they logged in. */
export async function revokeCommand(who: string): Promise<void> {
  await withUsers(async ({ endSessions, database }) => {
    const ended = await endSessions(who);
    await accessLogOf(database).add(byThisUser("session-ended", `all sessions of ${who}: ${ended}`));
    if (ended === 0)
      throw new CommandError(`${who} has no session. The access log has the names of those who log in.`, EXIT.failed);
    console.log(`${ended === 1 ? "1 session" : `${ended} sessions`} of ${who} ended.`);
  });
}

interface Tools {
  users: Users;
  database: Database;
  note: (what: string) => Promise<void>;
  endSessions: (name: string) => Promise<number>;
}

async function withUsers(work: (tools: Tools) => Promise<void>): Promise<void> {
  await withStore(async (_store, database) => {
    try {
      await work({
        users: new Users(database),
        database,
        note: (what) => accessLogOf(database).add(byThisUser("user-changed", what)),
        endSessions: (name) => new Sessions(database, NO_TIMES).endOf(name),
      });
    } catch (error) {
      if (error instanceof UserError) throw new CommandError(error.message, EXIT.usage);
      throw error;
    }
  });
}

function roleNamed(text: string): Role {
  if (isRole(text)) return text;
  throw new CommandError(`There is no role ${JSON.stringify(text)}. Roles: ${ROLES.join(", ")}.`, EXIT.usage);
}

function andLoggedOut(sessions: number): string {
  return sessions === 0 ? "" : `, and logged out (${sessions === 1 ? "1 session" : `${sessions} sessions`})`;
}
