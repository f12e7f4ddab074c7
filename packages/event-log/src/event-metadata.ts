/** What the metadata of an event may mean to the detail of its batch. */
import type { Json } from "./events.js";

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

/** The line of a CSV file whose row is set aside because of this error; null for another one. */
export function refusedLine(metadata: Json): number | null {
  const line = metadataField(metadata, "line");
  return typeof line === "number" && Number.isInteger(line) ? line : null;
}

/** undefined for metadata that is no object or lacks the field. */
function metadataField(metadata: Json, name: string): Json | undefined {
  return metadata !== null && typeof metadata === "object" && !Array.isArray(metadata) ? metadata[name] : undefined;
}
