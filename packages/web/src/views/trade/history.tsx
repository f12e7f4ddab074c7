import type { TradePage } from "@cofi/evidence/shapes";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { Name } from "../../shared/name.js";
import { outcomeLook } from "../../shared/outcome-look.js";
import { fullTime } from "../../text/format.js";

/** All verdicts over the runs of the batch, newest first. */
export function History({ page: { history } }: { page: TradePage }) {
  if (history.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="history-title">
      <h2 id="history-title">Verdicts, newest first</h2>
      <ol class="verdict-history">
        {history.map(({ eventId, loggedAt, run, version, verdict, reason, confirmedBy, late, changed }) => {
          const { glyph, word, tone } = outcomeLook(verdict ?? "UNJUDGED");
          const by =
            run === null ? "by another service" : `in run ${run}${version === null ? "" : ` of Cofi ${version}`}`;
          return (
            <li key={eventId} data-late={late || undefined}>
              <p>
                <span class="badge" data-tone={tone}>
                  <span class="glyph" aria-hidden="true">
                    {glyph}
                  </span>
                  <Name text={verdict === null ? "No verdict any more" : word} />
                </span>{" "}
                <time dateTime={loggedAt}>{fullTime(loggedAt, zone.value)}</time> {by}{" "}
                <button type="button" class="button quiet" data-event-id={eventId} onClick={() => showEvent(eventId)}>
                  Event {eventId}
                </button>
              </p>
              <p class="soft">
                {late && "It arrived after a newer run had begun, and never was in force. "}
                {confirmedBy.length > 0 && `Run ${confirmedBy.join(", ")} came to the same. `}
                {changed.length > 0 && `Since the verdict before: ${changed.join(", ")}. `}
                {reason !== null && <Name text={reason} />}
              </p>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
