/** What the metadata of an event may mean to the detail of its batch. */
import type { Json, LogEvent } from "./events.js";

/** A stage says of a file that it and all later ones leave it out: `info` with the file's name and `metadata.skipped`, the reason. */
export function skipReason(metadata: Json): string | null {
  const reason = metadataField(metadata, "skipped");
  return typeof reason === "string" ? reason : null;
}

/** A stage says of a file that it is not what an earlier run saw: `info` with the file's name and this. */
export const CHANGED = { changed: true } as const;

/** Whether an `info` event has {@link CHANGED}. */
export function saysChanged(metadata: Json): boolean {
  return metadataField(metadata, "changed") === true;
}

/** How long the audio of an event's file is; null for an event that does not say. */
export function audioSeconds(metadata: Json): number | null {
  const said = metadataField(metadata, "audioSeconds");
  return typeof said === "number" && said > 0 && said < Infinity ? said : null;
}

/** What was tolerated in the recording of a `file_complete`, each a sentence: it is not as it should be, and was read all the same. */
export function recordingNotes(metadata: Json): string[] {
  const notes = metadataField(metadata, "notes");
  return Array.isArray(notes) ? notes.filter((note) => typeof note === "string") : [];
}

/** The line of a CSV file whose row is set aside because of this error; null for another one. */
export function refusedLine(metadata: Json): number | null {
  const line = metadataField(metadata, "line");
  return typeof line === "number" && Number.isInteger(line) ? line : null;
}

/**
 * What is thought of a host in a stage:
 *
 * - `joining`: it has not been ready yet; it is looked at until it is;
 * - `healthy`: it answers;
 * - `suspect`: its latest attempts failed, and it is still asked;
 * - `ejected`: it is left alone until its pause is over, and then looked at;
 * - `probing`: the look was good; one file at a time shows whether it answers;
 * - `gone`: it does not come back in this stage.
 */
export const HOST_CONDITIONS = ["joining", "healthy", "suspect", "ejected", "probing", "gone"] as const;
export type HostCondition = (typeof HOST_CONDITIONS)[number];

/**
 * What events say of hosts beside files that start and end. A condition: a step of the host to it · `hedge`: it tries a file too
 * that is in work elsewhere · `outrun`: another host has answered before it.
 */
export const HOST_NEWS = [...HOST_CONDITIONS, "hedge", "outrun"] as const;
export type HostNewsKind = (typeof HOST_NEWS)[number];

export interface HostNews {
  kind: HostNewsKind;
  /** Of a step; null where its writer does not say. */
  from: HostCondition | null;
  /** Tells the engines of one host apart; empty where its writer does not. */
  engine: string;
  /** Of the host in the stage; null where its writer does not say. */
  engines: number | null;
  /** Where that engine is asked; null where the event does not say. */
  url: string | null;
  /** Why, in words; null where the event does not say. */
  rule: string | null;
}

/**
 * What an `info` event says of the host that it names (`gpuIp`): a step in `metadata.host` (`to`, and `from`, `engine`, `engines`, `url`, `rule`),
 * another try in `metadata.hedge` (`attempt`, `rule`), a race that it has lost in `metadata.outrun` (`attempt`).
 * @returns null for any other event, whatever its writer has put there
 */
export function hostNews({
  eventType,
  gpuIp,
  metadata,
}: Pick<LogEvent, "eventType" | "gpuIp" | "metadata">): HostNews | null {
  if (eventType !== "info" || gpuIp === null) return null;
  const step = metadataField(metadata, "host") ?? null;
  const to = conditionIn(metadataField(step, "to"));
  if (to !== null)
    return {
      kind: to,
      from: conditionIn(metadataField(step, "from")),
      engine: textIn(metadataField(step, "engine")) ?? "",
      engines: countIn(metadataField(step, "engines")),
      url: textIn(metadataField(step, "url")),
      rule: textIn(metadataField(step, "rule")),
    };
  for (const kind of ["hedge", "outrun"] as const) {
    const race = metadataField(metadata, kind) ?? null;
    if (typeof metadataField(race, "attempt") !== "number") continue;
    return { kind, from: null, engine: "", engines: null, url: null, rule: textIn(metadataField(race, "rule")) };
  }
  return null;
}

function conditionIn(said: Json | undefined): HostCondition | null {
  return HOST_CONDITIONS.find((condition) => condition === said) ?? null;
}

function countIn(said: Json | undefined): number | null {
  return typeof said === "number" && Number.isSafeInteger(said) && said > 0 ? said : null;
}

function textIn(said: Json | undefined): string | null {
  return typeof said === "string" ? said : null;
}

/** Remarks of an `info` event on values in the rows of a CSV file. */
export interface SaidOfRows {
  /** warning: they were not understood and are taken as not given · note: they were understood though written in another way */
  severity: "warning" | "note";
  count: number;
  /** Of the first of them, and how many more there are. */
  message: string;
}

/** null for an event that says nothing of values: `metadata.rows` with their `severity` and `count`, and the message. */
export function saidOfRows(metadata: Json): SaidOfRows | null {
  const rows = metadataField(metadata, "rows") ?? null;
  const [severity, count] = [metadataField(rows, "severity"), metadataField(rows, "count")];
  const message = metadataField(metadata, "message");
  if ((severity !== "warning" && severity !== "note") || typeof count !== "number" || !(count > 0)) return null;
  return { severity, count, message: typeof message === "string" ? message : "" };
}

/** undefined for metadata that is no object or lacks the field. */
function metadataField(metadata: Json, name: string): Json | undefined {
  return metadata !== null && typeof metadata === "object" && !Array.isArray(metadata) ? metadata[name] : undefined;
}
