/** Who did what on this dashboard, when and why, newest first. For those who may read everything. */
import type { AccessLogPage } from "../../feed/api.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { may } from "../../feed/session.js";
import { zone } from "../../choices/preferences.js";
import { place, setFilters, type Filters } from "../../choices/routes.js";
import { Name } from "../../shared/name.js";
import { PageLinks } from "../../shared/page-links.js";
import { RouteLink } from "../../shared/route-link.js";
import { SearchField, SelectField } from "../../shared/toolbar.js";
import { Answer, ViewState } from "../../shared/view-state.js";
import { fullTime } from "../../text/format.js";
import { startOfDay } from "../../text/zones.js";

const PAGE = 50;
/** Entries come slowly, and nobody waits for the next one. */
const EVERY_MS = 5_000;

const ACTIONS: readonly (readonly [value: string, text: string])[] = [
  ["", "Any action"],
  ["log-in", "Log-ins"],
  ["log-in-refused", "Refused log-ins"],
  ["log-out", "Log-outs"],
  ["session-ended", "Ended sessions"],
  ["user-changed", "Changes of users"],
  ["reveal", "Contents shown"],
  ["search", "Searches"],
  ["export", "Exports"],
  ["play", "Recordings played"],
  ["review", "Reviews"],
  ["decision", "Decisions"],
  ["hold", "Holds"],
  ["release", "Releases"],
  ["prune", "Removals by retention"],
];

export function AccessLogView({ state }: { state: LiveState }) {
  const { filters } = place.value;
  const isAllowed = may("readAll");
  const path = isAllowed ? `api/access-log?${queryOf(filters)}` : null;
  const { data, problem } = usePolled<AccessLogPage>(path, state, { everyMs: EVERY_MS }).value;
  if (!isAllowed)
    return (
      <ViewState glyph="○" tone="idle" title="The access log is for auditors">
        Your role does not show it.
      </ViewState>
    );
  return (
    <section class="panel" aria-label="Access log">
      <Toolbar filters={filters} />
      <Answer data={data} problem={problem} batchId={null} state={state}>
        {(page) =>
          page.entries.length === 0 ? (
            <ViewState glyph="○" tone="idle" title="No entry passes these filters" />
          ) : (
            <List page={page} filters={filters} />
          )
        }
      </Answer>
    </section>
  );
}

/** The filters as parameters of the API; days are in the chosen time zone. */
function queryOf({ who, action, from, to, before }: Filters): URLSearchParams {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (who) query.set("who", who);
  if (action && ACTIONS.some(([value]) => value === action)) query.set("action", action);
  if (before) query.set("before", before);
  const first = from === undefined ? null : startOfDay(from, 0, zone.value);
  const end = to === undefined ? null : startOfDay(to, 1, zone.value);
  if (first !== null) query.set("from", first);
  if (end !== null) query.set("to", end);
  return query;
}

/** Changes filters and returns to the first page. */
function narrow(patch: Filters, replace = false): void {
  setFilters({ ...patch, before: "" }, replace);
}

function Toolbar({ filters }: { filters: Filters }) {
  const day = (name: "from" | "to") => (
    <label class="toolbar-field">
      <span>{name}</span>
      <input
        type="date"
        class="button"
        value={filters[name] ?? ""}
        onChange={(event) => narrow({ [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <div class="toolbar">
      <SearchField label="Who, in full" value={filters.who} onSearch={(who) => narrow({ who }, true)} />
      <SelectField label="Action" value={filters.action} options={ACTIONS} onChoose={(action) => narrow({ action })} />
      {day("from")}
      {day("to")}
      {may("admin") && (
        <RouteLink class="button" to={{ view: "users" }}>
          Sessions and users
        </RouteLink>
      )}
    </div>
  );
}

function List({ page, filters }: { page: AccessLogPage; filters: Filters }) {
  return (
    <>
      <div class="table-scroll" tabindex={0} role="group" aria-label="Entries, newest first">
        <table class="figures-table access-log">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Who</th>
              <th scope="col">Action</th>
              <th scope="col">What</th>
              <th scope="col">Why</th>
              <th scope="col" data-minor>
                From
              </th>
            </tr>
          </thead>
          <tbody>
            {page.entries.map(({ seq, at, who, role, action, what, why, address, hash }) => (
              <tr key={seq} data-seq={seq} title={`Entry ${seq}, hash ${hash}`}>
                <td>
                  <time dateTime={at}>{fullTime(at, zone.value)}</time>
                </td>
                <th scope="row">
                  <RouteLink to={{ view: "access", filters: { who } }}>
                    <Name text={who} />
                  </RouteLink>{" "}
                  <span class="soft">{role}</span>
                </th>
                <td>{action}</td>
                <td>
                  <Name text={what} />
                </td>
                <td>
                  <Name text={why} />
                </td>
                <td data-minor>{address}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <PageLinks
        isLater={Boolean(filters.before)}
        nextCursor={page.nextCursor}
        pageAt={(before) => ({ view: "access", filters: { ...filters, before } })}
      />
    </>
  );
}
