/** Which models a verdict rests on: what answered about the call that decided, as the log says it. */
import type { Json } from "@cofi/event-log/events";
import type { Database } from "@cofi/event-log/database";
import { reportUnavailable } from "@cofi/event-log/database";
import type { Results } from "../results.js";
import type { CallEvidence, LoggedVerdict } from "../verdict-records.js";

/** The stages that hear and read, and the rules of verdicts: each has figures of its own. */
export const JUDGED = ["stt", "llm1", "llm2", "verdicts"] as const;
export type Judged = (typeof JUDGED)[number];
/** Name and version of each, in one text; without those that the log does not say, or not any more. */
export type Models = Partial<Record<Judged, string>>;

/** Of the call that decided; of the first that was considered where none did. @throws DatabaseUnavailableError */
export async function modelsOf(
  database: Database,
  results: Results,
  batchId: number,
  { callId, run, restsOn }: LoggedVerdict,
): Promise<Models> {
  const call = restsOn.calls.find((one) => one.callId === callId) ?? restsOn.calls[0];
  const models = call ? await modelsOfCall(results, batchId, call) : {};
  const select = database.kysely
    .selectFrom("batchRun")
    .select("version")
    .where("batchId", "=", batchId)
    .where("run", "=", run ?? restsOn.run);
  const version = (await reportUnavailable(database, () => select.executeTakeFirst()))?.version;
  return version === undefined ? models : { ...models, verdicts: `cofi ${version}` };
}

export async function modelsOfCall(results: Results, batchId: number, call: CallEvidence): Promise<Models> {
  const stages = (["stt", "llm1", "llm2"] as const).flatMap((stage) => {
    const eventId = call[stage];
    return eventId === null ? [] : [{ stage, eventId }];
  });
  const bodies = await results.bodiesOf(
    batchId,
    stages.map(({ eventId }) => eventId),
  );
  const models: Models = {};
  for (const { stage, eventId } of stages) {
    const model = engineIn(bodies.get(eventId)?.response ?? null);
    if (model !== null) models[stage] = model;
  }
  return models;
}

/** As the contract of engines has it, or within the answer of a model server. */
function engineIn(response: Json): string | null {
  if (!isRecord(response)) return null;
  const { engine = null, answer = null } = response;
  if (!isRecord(engine)) return answer === null ? null : engineIn(answer);
  const { name = null, version = null, model = null } = engine;
  const parts = [name, version, model].flatMap((part) =>
    typeof part === "string" && part !== "" && part !== "none" ? [part] : [],
  );
  return parts.length === 0 ? null : parts.join(" ");
}

function isRecord(value: Json): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
