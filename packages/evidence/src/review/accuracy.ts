/**
 * How often machines were right, by what people decided. Only decisions that another person has approved count, each once, under the models that the
 * verdict rested on then; of CONFIRMED only those that were drawn at random before, since any others would not stand for the rest.
 */
import { sql, type RawBuilder } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { parseJson } from "@cofi/event-log/json";
import { JUDGED, type Judged, type Models } from "./models.js";
import { reasonOf } from "./reasons.js";
import { CONFIRMED } from "./reviews.js";
import { shareOf, type Share } from "./wilson.js";

/** Whose mistake a correction is. */
const CORRECTED = { word: "stt", field: "llm1" } as const satisfies Record<string, Judged>;

export interface ModelAccuracy {
  stage: Judged;
  /** Name and version; null where the log did not say it when the case was decided. */
  model: string | null;
  /** Decisions about verdicts that rested on it. */
  decisions: number;
  /** Of the drawn ones that were CONFIRMED, those that were right. */
  confirmed: Share;
  /** Of these decisions, those before whose approval nothing that it had heard (stt) or read (llm1) was corrected; null for the others. */
  uncorrected: Share | null;
  /** Words (stt) or fields of orders (llm1) that people have corrected. */
  corrections: number;
}

export interface Accuracy {
  /** The precision of CONFIRMED: of the drawn ones that were reviewed, those that were right. */
  confirmed: Share;
  /** Of the decisions that another person has looked at, those that the other one approved. */
  agreement: Share;
  /** Decisions that another person has approved, about whatever verdict. */
  decisions: number;
  models: ModelAccuracy[];
}

/** Of one batch, or of all that are there. @throws DatabaseUnavailableError */
export async function accuracyOf(database: Database, batchId: number | null): Promise<Accuracy> {
  const { kysely } = database;
  const ofBatch = batchId === null ? sql`1 = 1` : sql`seen.batchId = ${batchId}`;
  const looked = await reportUnavailable(database, () =>
    sql<LookedRow>`
      SELECT seen.what, decision.verdict, decision.reason, decision.data,
        CASE WHEN EXISTS (SELECT 1 FROM review AS drawn WHERE drawn.batchId = seen.batchId AND drawn.tradeId = seen.tradeId
          AND drawn.what = 'drawn' AND drawn.number < decision.number) THEN 1 ELSE 0 END AS isDrawn,
        ${isCorrected("word")} AS word, ${isCorrected("field")} AS field
      FROM review AS seen
      INNER JOIN review AS decision ON decision.batchId = seen.batchId AND decision.tradeId = seen.tradeId
        AND decision.number = (SELECT max(number) FROM review AS one WHERE one.batchId = seen.batchId
          AND one.tradeId = seen.tradeId AND one.what = 'decided' AND one.number < seen.number)
      WHERE seen.what IN ('approved', 'rejected') AND ${ofBatch}`.execute(kysely),
  );
  const corrections = await reportUnavailable(database, () =>
    sql<{ reason: string | null; data: string | null }>`
      SELECT seen.reason, seen.data FROM review AS seen WHERE seen.what = 'corrected' AND ${ofBatch}`.execute(kysely),
  );
  const approved = looked.rows.filter(({ what }) => what === "approved");
  const all = new Tally();
  const models = new Map<string, Tally & { stage: Judged; model: string | null }>();
  const of = (stage: Judged, model: string | null): Tally => {
    const key = JSON.stringify([stage, model]);
    const known = models.get(key) ?? Object.assign(new Tally(), { stage, model });
    models.set(key, known);
    return known;
  };
  for (const row of approved) {
    const known = modelsIn(row.data);
    for (const tally of [all, ...JUDGED.map((stage) => of(stage, known[stage] ?? null))]) tally.decided(row);
  }
  for (const { reason, data } of corrections.rows)
    of(reason === "word" ? CORRECTED.word : CORRECTED.field, modelOf(data)).corrections += 1;
  return {
    confirmed: all.confirmed,
    agreement: shareOf(approved.length, looked.rows.length),
    decisions: approved.length,
    models: [...models.values()]
      .map((tally) => ({
        stage: tally.stage,
        model: tally.model,
        decisions: tally.decisions,
        confirmed: tally.confirmed,
        uncorrected: tally.uncorrected(tally.stage),
        corrections: tally.corrections,
      }))
      .toSorted(
        (a, b) => JUDGED.indexOf(a.stage) - JUDGED.indexOf(b.stage) || ((a.model ?? "") < (b.model ?? "") ? -1 : 1),
      ),
  };
}

/** Whether something of this kind was corrected in the case before. */
function isCorrected(kind: keyof typeof CORRECTED): RawBuilder<number> {
  return sql<number>`CASE WHEN EXISTS (SELECT 1 FROM review AS corrected WHERE corrected.batchId = seen.batchId
    AND corrected.tradeId = seen.tradeId AND corrected.what = 'corrected' AND corrected.reason = ${kind}
    AND corrected.number < seen.number) THEN 1 ELSE 0 END`;
}

interface LookedRow {
  what: "approved" | "rejected";
  verdict: string | null;
  reason: string | null;
  data: string | null;
  isDrawn: number;
  word: number;
  field: number;
}

class Tally {
  decisions = 0;
  words = 0;
  fields = 0;
  corrections = 0;
  #drawn = 0;
  #right = 0;

  uncorrected(stage: Judged): Share | null {
    if (stage !== CORRECTED.word && stage !== CORRECTED.field) return null;
    return shareOf(this.decisions - (stage === CORRECTED.word ? this.words : this.fields), this.decisions);
  }

  get confirmed(): Share {
    return shareOf(this.#right, this.#drawn);
  }

  decided({ verdict, reason, isDrawn, word, field }: LookedRow): void {
    this.decisions += 1;
    this.words += Number(word);
    this.fields += Number(field);
    const known = reasonOf(reason);
    if (verdict !== CONFIRMED || Number(isDrawn) !== 1 || !known) return;
    this.#drawn += 1;
    if (known.bearsOutConfirmed) this.#right += 1;
  }
}

/** Of a decision. */
function modelsIn(text: string | null): Models {
  const data = parseJson(text);
  const models = data && typeof data === "object" && !Array.isArray(data) ? data["models"] : null;
  return models && typeof models === "object" && !Array.isArray(models) ? (models as Models) : {};
}

/** Of a correction. */
function modelOf(text: string | null): string | null {
  const data = parseJson(text);
  const model = data && typeof data === "object" && !Array.isArray(data) ? data["model"] : null;
  return typeof model === "string" ? model : null;
}
