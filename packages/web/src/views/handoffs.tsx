import type { HandoffCounts, Reconciliation } from "@cofi/views/detail/shapes";
import { RouteLink } from "../shared/route-link.js";
import { DataView, ViewState, type ViewProps } from "../shared/view-state.js";
import { number } from "../text/format.js";
import type { Filters } from "../choices/routes.js";
import { FILE_LOOKS } from "./file-look.js";
import { Name } from "../shared/name.js";

const COLUMNS = ["done", "failed", "skipped", "inFlight", "retrying", "waiting", "missing"] as const;

function astray(stages: readonly HandoffCounts[]): string[] {
  return stages.flatMap(({ label, missing, unexpected, unnamed }) => [
    ...(missing > 0 ? [`${number(missing)} missing in ${label}`] : []),
    ...(unexpected > 0 ? [`${number(unexpected)} unexpected in ${label}`] : []),
    ...(unnamed > 0 ? [`${number(unnamed)} announced by ${label} without any event`] : []),
  ]);
}

/** Input = done + failed + skipped + in flight + retrying + waiting + missing, at each handoff. */
export function HandoffsView(props: ViewProps) {
  return (
    <DataView<Reconciliation> {...props} path="reconciliation">
      {({ stages, balanced }) =>
        stages.every(({ input, announced }) => input === 0 && announced === null) ? (
          <ViewState glyph="○" tone="idle" title="Nothing to account for yet">
            Files expected and files seen, stage by stage, appear here.
          </ViewState>
        ) : (
          <section class="panel" aria-label="Handoffs">
            <p class="remark" data-tone={balanced ? "good" : "bad"} data-testid="balance">
              <span class="glyph" aria-hidden="true">
                {balanced ? "✓" : "?"}
              </span>
              {balanced
                ? "Every file that a stage should have seen is accounted for."
                : `Unaccounted for: ${astray(stages).join(", ")}.`}
            </p>
            <div class="table-scroll" tabindex={0} role="group" aria-label="Files at each handoff">
              <table class="figures-table handoffs">
                <thead>
                  <tr>
                    <th scope="col">Stage</th>
                    <th scope="col" data-minor>
                      gets from
                    </th>
                    <th scope="col">input</th>
                    {COLUMNS.map((column) => (
                      <th scope="col" key={column} data-minor={isMinor(stages, column)}>
                        {column === "done" ? "= " : "+ "}
                        {FILE_LOOKS[column].word}{" "}
                        <span class="glyph" data-tone={FILE_LOOKS[column].tone} aria-hidden="true">
                          {FILE_LOOKS[column].glyph}
                        </span>
                      </th>
                    ))}
                    <th
                      scope="col"
                      data-minor={isMinor(stages, "unexpected")}
                      title="Processed though the previous stage had not finished them"
                    >
                      unexpected
                    </th>
                    <th
                      scope="col"
                      data-minor={isMinor(stages, "unnamed")}
                      title="Number of files that the stage announced"
                    >
                      announced
                    </th>
                    <th
                      scope="col"
                      data-minor={isMinor(stages, "unnamed")}
                      title="Announced by a finished stage, but not named by any event"
                    >
                      without events
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {stages.map((row) => (
                    <Row key={row.stage} row={row} stages={stages} />
                  ))}
                </tbody>
              </table>
            </div>
            {stages.map((row) => (
              <Astray key={row.stage} row={row} />
            ))}
          </section>
        )
      }
    </DataView>
  );
}

function Row({ row, stages }: { row: HandoffCounts; stages: readonly HandoffCounts[] }) {
  const { stage, label, from, input, unexpected, announced, unnamed } = row;
  return (
    <tr data-stage={stage}>
      <th scope="row">{label}</th>
      <td class="soft" data-minor>
        {stages.find((other) => other.stage === from)?.label ?? "the batch"}
      </td>
      <td>{number(input)}</td>
      {COLUMNS.map((column) => (
        <Count
          key={column}
          count={row[column]}
          filters={{ stage, state: column }}
          tone={toneOf(column)}
          isMinor={isMinor(stages, column)}
        />
      ))}
      <td
        data-tone={unexpected > 0 ? "bad" : undefined}
        class={unexpected > 0 ? undefined : "soft"}
        data-minor={isMinor(stages, "unexpected")}
      >
        {number(unexpected)}
      </td>
      <td class="soft" data-minor={isMinor(stages, "unnamed")}>
        {announced === null ? "unknown" : number(announced)}
      </td>
      <td
        data-tone={unnamed > 0 ? "bad" : undefined}
        class={unnamed > 0 ? undefined : "soft"}
        data-minor={isMinor(stages, "unnamed")}
      >
        {number(unnamed)}
      </td>
    </tr>
  );
}

/** A phone leaves out the columns without any file; the balance is the same without them. */
function isMinor(
  stages: readonly HandoffCounts[],
  column: (typeof COLUMNS)[number] | "unexpected" | "unnamed",
): "" | undefined {
  return stages.every((row) => row[column] === 0) ? "" : undefined;
}

function toneOf(column: (typeof COLUMNS)[number]): "bad" | "warn" | undefined {
  if (column === "missing" || column === "failed") return "bad";
  return column === "retrying" ? "warn" : undefined;
}

interface CountProps {
  count: number;
  filters: Filters;
  tone: "bad" | "warn" | undefined;
  isMinor: "" | undefined;
}

function Count({ count, filters, tone, isMinor: minor }: CountProps) {
  if (count === 0)
    return (
      <td class="soft" data-minor={minor}>
        0
      </td>
    );
  const to = { view: "files", filters } as const;
  return (
    <td data-tone={tone} data-minor={minor}>
      <RouteLink to={to}>{number(count)}</RouteLink>
    </td>
  );
}

/** Names the files that differ; each opens its journey. */
function Astray({ row }: { row: HandoffCounts }) {
  const { stage, label, from, missing, missingFiles, unexpected, unexpectedFiles, unnamed } = row;
  return (
    <>
      {missing > 0 && (
        <Names
          title={`Missing in ${label}`}
          why={
            from === null ? "Other stages have seen them." : "The previous stage finished them, and this stage is over."
          }
          names={missingFiles}
          count={missing}
          filters={{ stage, state: "missing" }}
        />
      )}
      {unexpected > 0 && (
        <Names
          title={`Unexpected in ${label}`}
          why="Processed before the previous stage had finished them."
          names={unexpectedFiles}
          count={unexpected}
          filters={{ stage }}
        />
      )}
      {unnamed > 0 && (
        <section class="astray">
          <h2>
            {number(unnamed)} announced by {label} without any event
          </h2>
          <p class="soft">It announced this many more files than events have named. Compare with the batch folder.</p>
        </section>
      )}
    </>
  );
}

interface NamesProps {
  title: string;
  why: string;
  names: readonly string[];
  /** Number of all such files; `names` are the first of them. */
  count: number;
  filters: Filters;
}

function Names({ title, why, names, count, filters }: NamesProps) {
  const all = { view: "files", filters } as const;
  return (
    <section class="astray">
      <h2>
        {title}: {number(count)}
      </h2>
      <p class="soft">{why}</p>
      <ul>
        {names.map((file) => {
          const to = { view: "files", filters, file } as const;
          return (
            <li key={file}>
              <RouteLink to={to}>
                <Name text={file} />
              </RouteLink>
            </li>
          );
        })}
      </ul>
      {count > names.length && (
        <p>
          <RouteLink to={all}>and {number(count - names.length)} more</RouteLink>
        </p>
      )}
    </section>
  );
}
