/** Who is logged in, and who can log in with a password. For administrators. */
import { useSignal } from "@preact/signals";
import { zone } from "../../choices/preferences.js";
import { endSession, endSessionsOf, type SessionRow, type UserRow } from "../../feed/api.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { may } from "../../feed/session.js";
import { Name } from "../../shared/name.js";
import { RouteLink } from "../../shared/route-link.js";
import { Answer, ViewState } from "../../shared/view-state.js";
import { dayAndTime } from "../../text/format.js";

const EVERY_MS = 5_000;

export function UsersView({ state }: { state: LiveState }) {
  const isAllowed = may("admin");
  const sessions = usePolled<{ sessions: SessionRow[] }>(isAllowed ? "api/sessions" : null, state, {
    everyMs: EVERY_MS,
  }).value;
  const users = usePolled<{ users: UserRow[] }>(isAllowed ? "api/users" : null, state, { everyMs: EVERY_MS }).value;
  /** Ids of sessions that were ended here: the next answer has them no more. */
  const ended = useSignal<ReadonlySet<number>>(new Set());
  const problem = useSignal("");
  if (!isAllowed)
    return (
      <ViewState glyph="○" tone="idle" title="Sessions and users are for administrators">
        Your role does not show them.
      </ViewState>
    );
  const living = (sessions.data?.sessions ?? []).filter(({ id }) => !ended.value.has(id));
  const end = async (rows: readonly SessionRow[], ending: Promise<unknown>): Promise<void> => {
    problem.value = "";
    try {
      await ending;
      ended.value = new Set([...ended.peek(), ...rows.map(({ id }) => id)]);
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  const endAllOf = (who: string): void =>
    void end(
      living.filter((one) => one.who === who),
      endSessionsOf(who),
    );
  return (
    <>
      {problem.value !== "" && (
        <p class="remark" data-tone="bad" role="alert">
          {problem}
        </p>
      )}
      <section class="panel" aria-labelledby="sessions">
        <h2 id="sessions">Sessions</h2>
        <div class="toolbar">
          <RouteLink class="button" to={{ view: "access" }}>
            Access log
          </RouteLink>
        </div>
        <Answer data={sessions.data} problem={sessions.problem} batchId={null} state={state}>
          {() =>
            living.length === 0 ? (
              <p>Nobody is logged in.</p>
            ) : (
              <Sessions rows={living} onEnd={(row) => void end([row], endSession(row.id))} />
            )
          }
        </Answer>
      </section>
      <section class="panel" aria-labelledby="users">
        <h2 id="users">Users with a password</h2>
        <Answer data={users.data} problem={users.problem} batchId={null} state={state}>
          {({ users: rows }) =>
            rows.length === 0 ? (
              <p>
                There are none. <code>npx cofi user add NAME --role ROLE</code> adds one.
              </p>
            ) : (
              <Users rows={rows} loggedIn={new Set(living.map(({ who }) => who))} onEnd={endAllOf} />
            )
          }
        </Answer>
      </section>
    </>
  );
}

function Sessions({ rows, onEnd }: { rows: readonly SessionRow[]; onEnd: (row: SessionRow) => void }) {
  return (
    <div class="table-scroll" tabindex={0} role="group" aria-label="Sessions, newest first">
      <table class="figures-table access-log">
        <thead>
          <tr>
            <th scope="col">Who</th>
            <td />
            <th scope="col">By</th>
            <th scope="col" data-minor>
              Since
            </th>
            <th scope="col">Used</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} data-session={row.id}>
              <th scope="row">
                <Name text={row.who} /> <span class="soft">{row.role}</span>
              </th>
              <td>
                <button
                  class="button quiet"
                  aria-label={`End session ${row.id} of ${row.who}`}
                  onClick={() => onEnd(row)}
                >
                  End
                </button>
              </td>
              <td>{row.isOwn ? `${row.way}, this browser` : row.way}</td>
              <td data-minor>
                <time dateTime={row.createdAt}>{dayAndTime(row.createdAt, zone.value)}</time>
              </td>
              <td>
                <time dateTime={row.seenAt}>{dayAndTime(row.seenAt, zone.value)}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface UsersProps {
  rows: readonly UserRow[];
  loggedIn: ReadonlySet<string>;
  onEnd: (who: string) => void;
}

function Users({ rows, loggedIn, onEnd }: UsersProps) {
  return (
    <div class="table-scroll" tabindex={0} role="group" aria-label="Users with a password">
      <table class="figures-table access-log">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Since</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, role, createdAt }) => (
            <tr key={name} data-user={name}>
              <th scope="row">
                <RouteLink to={{ view: "access", filters: { who: name } }}>
                  <Name text={name} />
                </RouteLink>
              </th>
              <td>{role}</td>
              <td>
                <time dateTime={createdAt}>{dayAndTime(createdAt, zone.value)}</time>
              </td>
              <td>
                {loggedIn.has(name) && (
                  <button class="button quiet" aria-label={`End all sessions of ${name}`} onClick={() => onEnd(name)}>
                    End all sessions
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
