/** Cases and holds as they are shown: what people wrote, and what machines had said, are contents. */
import type { Json } from "@cofi/event-log/events";
import type { EventLens } from "@cofi/event-log/lens";
import type { Hold } from "@cofi/evidence/holds";
import { inWords } from "@cofi/evidence/review/case";
import type { FoundCase } from "@cofi/evidence/review/reviews";

/** @param lens null for whoever has been let see contents */
export function shownCase(tradeId: string, { case: one, rows, now }: FoundCase, lens: EventLens | null) {
  return {
    tradeId,
    verdict: now.verdict,
    ...one,
    says: inWords(one),
    rows: rows.map(({ verdictEventId: _event, ...row }) => ({
      ...row,
      note: row.note === null || lens === null ? row.note : lens.text(row.note),
      data: row.what === "corrected" && lens !== null ? maskedCorrection(row.data, lens) : row.data,
    })),
    ...(lens !== null && { masked: true as const }),
  };
}

function maskedCorrection(data: Json, lens: EventLens): Json {
  if (data === null || typeof data !== "object" || Array.isArray(data)) return null;
  const { said = null, truth = null, callId = null, ...rest } = data;
  const masked = (value: Json, hide: (text: string) => string): Json =>
    typeof value === "string" ? hide(value) : null;
  return {
    ...rest,
    callId: masked(callId, (text) => lens.name(text)),
    said: masked(said, (text) => lens.content(text)),
    truth: masked(truth, (text) => lens.content(text)),
  };
}

/** @param lens null for whoever has been let see contents */
export function shownHold(hold: Hold, lens: EventLens | null): Hold {
  if (lens === null) return hold;
  const { subject, scope, reason, released } = hold;
  return {
    ...hold,
    subject: subject && (scope === "client" ? lens.content(subject) : lens.name(subject)),
    reason: lens.text(reason),
    released: released && { ...released, reason: lens.text(released.reason) },
  };
}
