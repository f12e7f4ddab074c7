import type { ErrorsView as Errors } from "@cofi/views/detail/shapes";
import { causeName, headline } from "@cofi/views/detail/cause-name";
import { RouteLink } from "../shared/route-link.js";
import { DataView, ViewState, type ViewProps } from "../shared/view-state.js";
import { clock, fullTime, number } from "../text/format.js";
import { showEvent } from "../choices/place.js";
import { zone } from "../choices/preferences.js";
import { Folded } from "../shared/folded.js";
import { Message } from "../shared/name.js";
import { visible } from "../text/names.js";
import { outcomeText } from "../text/outcomes.js";

/** Errors by cause, the earliest first, because the first failure often causes the others. */
export function ErrorsView(props: ViewProps) {
  const labels = new Map(props.state.stages.value.map(({ summary }) => [summary.peek().stage, summary.peek().label]));
  return (
    <DataView<Errors> {...props} path="errors">
      {({ groups }) =>
        groups.length === 0 ? (
          <ViewState glyph="✓" tone="good" title="No errors in this batch">
            Errors appear here grouped by their cause, the first failure first.
          </ViewState>
        ) : (
          <ol class="causes" aria-label="Causes of errors, the oldest first">
            {groups.map((group) => {
              const to = { view: "files", filters: { cause: group.cause } } as const;
              return (
                <li class="panel cause" key={group.cause}>
                  <h2>
                    <RouteLink to={to}>
                      <span class="folded">
                        <Message text={causeName(group.example, group.count - 1)} />
                      </span>
                    </RouteLink>
                  </h2>
                  <p class="cause-figures">
                    <strong data-tone={group.final > 0 ? "bad" : undefined}>{outcomeText(group)}</strong>
                    <span>
                      {number(group.count)} {group.count === 1 ? "error" : "errors"}
                    </span>
                    <span title={`${fullTime(group.firstAt, zone.value)} to ${fullTime(group.lastAt, zone.value)}`}>
                      {clock(group.firstAt, zone.value)} to {clock(group.lastAt, zone.value)}
                    </span>
                  </p>
                  <p class="soft">
                    in{" "}
                    {group.stages
                      .map(({ stage, count }) => `${labels.get(stage) ?? stage} (${number(count)})`)
                      .join(", ")}
                    {group.hosts.length > 0 &&
                      ` on ${group.hosts.map(({ host, count }) => `${visible(host)} (${number(count)})`).join(", ")}`}
                  </p>
                  <p class="cause-example">
                    <button type="button" class="button quiet" onClick={() => showEvent(group.firstId)}>
                      First
                    </button>
                    <button type="button" class="button quiet" onClick={() => showEvent(group.lastId)}>
                      Latest
                    </button>
                    {group.example.trim() !== headline(group.example) && (
                      <code>
                        <Folded text={group.example} />
                      </code>
                    )}
                  </p>
                </li>
              );
            })}
          </ol>
        )
      }
    </DataView>
  );
}
