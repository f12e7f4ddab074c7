import type { TradesPage } from "@cofi/evidence/shapes";
import { place } from "../../choices/routes.js";
import { outcomeLook } from "../../shared/outcome-look.js";
import { RouteLink } from "../../shared/route-link.js";
import { number } from "../../text/format.js";
import { visible } from "../../text/names.js";

/** What became of all rows of trades.csv: a bar whose parts lead to their trades. */
export function OutcomeBar({ outcomes }: Pick<TradesPage, "outcomes">) {
  const sum = outcomes.reduce((total, { count }) => total + count, 0);
  if (sum === 0) return null;
  const chosen = place.value.filters.outcome;
  return (
    <nav class="outcomes" aria-label={`What became of the ${number(sum)} rows of trades.csv`} data-testid="outcomes">
      <ul class="outcome-bar" aria-hidden="true">
        {outcomes.map(({ outcome, count }) => (
          <li key={outcome} data-tone={outcomeLook(outcome).tone} style={{ flexGrow: count }} />
        ))}
      </ul>
      <ul class="outcome-links">
        {outcomes.map(({ outcome, count }) => {
          const { glyph, word, tone, meaning } = outcomeLook(outcome);
          const isChosen = chosen === outcome;
          return (
            <li key={outcome}>
              <RouteLink
                to={{ view: "trades", filters: isChosen ? {} : { outcome } }}
                data-tone={tone}
                title={meaning}
                aria-current={isChosen ? "true" : undefined}
              >
                <span class="glyph" aria-hidden="true">
                  {glyph}
                </span>{" "}
                <strong>{number(count)}</strong> {visible(word)}
              </RouteLink>
            </li>
          );
        })}
        <li class="soft">
          {number(sum)} {sum === 1 ? "row" : "rows"} of trades.csv
        </li>
      </ul>
    </nav>
  );
}
