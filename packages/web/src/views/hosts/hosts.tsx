import { isOver } from "@cofi/views/batch-state";
import type { HostsView as Hosts } from "@cofi/views/detail/host-shapes";
import { RouteLink } from "../../shared/route-link.js";
import { DataView, ViewState, type ViewProps } from "../../shared/view-state.js";
import { number } from "../../text/format.js";
import type { LiveState } from "../../feed/live-state.js";
import { place, setFilters } from "../../choices/routes.js";
import { Name } from "../../shared/name.js";
import { History } from "./history.js";
import { HOST_LOOKS, saidOf, type Said } from "./host-look.js";
import { HostsTable, measureOf, MEASURES, type Measure } from "./hosts-table.js";

/** What is thought of each host now, what it has done in each stage, and what happened to it. */
export function HostsView(props: ViewProps) {
  const { cause } = place.value.filters;
  const measure = measureOf(place.value.filters);
  const names = (Object.keys(MEASURES) as Measure[]).filter((name) => !cause || name !== "state");
  return (
    <DataView<Hosts> {...props} path="hosts">
      {(view) =>
        view.hosts.length === 0 ? (
          <ViewState glyph="○" tone="idle" title="No host has been named yet">
            A host appears here with the first event that names it (<code>gpuIp</code>).
          </ViewState>
        ) : (
          <>
            <section class="panel" aria-label="Hosts">
              {/* What became of a host is about all files. */}
              {!cause && <Now view={view} state={props.state} />}
              <div class="toolbar" role="group" aria-label="Measure">
                {names.map((name) => (
                  <button
                    type="button"
                    class="button"
                    key={name}
                    aria-pressed={measure === name}
                    onClick={() => setFilters({ measure: name === names[0] ? "" : name })}
                  >
                    {MEASURES[name]}
                  </button>
                ))}
              </div>
              <div class="table-scroll" tabindex={0} role="group" aria-label={`${MEASURES[measure]} of each host`}>
                <HostsTable view={view} measure={measure} isWhole={!cause} state={props.state} />
              </div>
            </section>
            {!cause && <History {...props} hosts={view.hosts.map(({ host }) => host)} />}
          </>
        )
      }
    </DataView>
  );
}

/** Named in the sentence; the others are counted. */
const MOST_NAMED = 4;

/** What is said of a host now. */
interface Placed {
  host: string;
  said: Said;
}

/** How many hosts are in use, and which are not, or not with all of their engines. */
function Now({ view: { hosts, isCurrent }, state }: { view: Hosts; state: LiveState }) {
  const batch = state.batch.value;
  if (!isCurrent.some(Boolean))
    return (
      <p class="hosts-now soft" data-testid="hosts-now">
        {batch && isOver(batch) ? "The batch is over" : "No stage is worked on"}: states are those in which the stages
        left their hosts.
      </p>
    );
  const stages = state.stages.value.map(({ summary }) => summary.peek().stage);
  const used = hosts.flatMap(({ host, now, stages: cells }): Placed[] => {
    const cell = now && cells[stages.indexOf(now.stage)];
    const said = cell ? saidOf(cell, true) : null;
    return said ? [{ host, said }] : [];
  });
  const inUse = used.filter(({ said }) => said.isInUse).length;
  const others = used.filter(({ said }) => said.worst.condition !== "healthy");
  return (
    <p class="hosts-now" data-testid="hosts-now">
      {used.length === 0 ? (
        "No host is in use yet."
      ) : others.length === 0 ? (
        <span>
          <Mark look={HOST_LOOKS.healthy} />{" "}
          {used.length === 1 ? "Its only host is" : `All ${number(used.length)} hosts are`} in use.
        </span>
      ) : (
        <>
          <strong>
            {inUse === used.length ? "All" : `${number(inUse)} of`} {number(used.length)} hosts are in use.
          </strong>
          {others.slice(0, MOST_NAMED).map((one) => (
            <Trouble key={one.host} {...one} />
          ))}
          {others.length > MOST_NAMED && <span class="soft">and {number(others.length - MOST_NAMED)} more</span>}
        </>
      )}
    </p>
  );
}

function Trouble({ host, said }: Placed) {
  return (
    <span class="host-trouble" data-tone={said.tone}>
      <Mark look={said} />
      <RouteLink to={{ view: "hosts", filters: { ...place.value.filters, host, before: "" } }}>
        <Name text={host} />
      </RouteLink>
      {said.text}
    </span>
  );
}

function Mark({ look: { glyph, tone } }: { look: { glyph: string; tone: string } }) {
  return (
    <span class="glyph" data-tone={tone} aria-hidden="true">
      {glyph}
    </span>
  );
}
