/** Compares events with what a seal has of them, and says which columns are not what they were. */
import { EVIDENCE } from "@cofi/event-log/stages";
import { COLUMNS, cutOf, digestOf, printOf, type BodyPrint, type SealedRow } from "./canonical.js";
import type { SealedEvent } from "./parts.js";

/** What became of a sealed event. */
export type Compared =
  | { is: "same" }
  /** Its bodies went by retention; the rest is as it was. */
  | { is: "pruned" }
  /** `columns`: those that were changed; none where that cannot be told. */
  | { is: "changed"; columns: readonly string[] };

/** @param prunedTo id of the event up to which retention has removed bodies */
export function compare(row: SealedRow, sealed: SealedEvent, prunedTo: number): Compared {
  const print = printOf(row);
  if (print.digest === sealed.digest) return { is: "same" };
  const isPrunable = row.id <= prunedTo;
  const gone = {
    payload: isPrunable && isRemoved(row, "payload", sealed),
    response: isPrunable && isRemoved(row, "response", sealed),
  };
  const known = (body: "payload" | "response"): string | null => (gone[body] ? sealed : print)[body].sha256;
  if ((gone.payload || gone.response) && digestOf(row, known("payload"), known("response")) === sealed.digest)
    return { is: "pruned" };
  const columns = COLUMNS.filter((column, place) => {
    const isGone = (gone.payload && column.startsWith("payload")) || (gone.response && column.startsWith("response"));
    return !isGone && print.crcs[place] !== sealed.crcs[place];
  });
  return { is: "changed", columns };
}

/** Whether the row says of a body exactly what retention leaves in its place, and says it of the sealed body. */
function isRemoved(row: SealedRow, body: "payload" | "response", sealed: SealedEvent): boolean {
  const cut = row[`${body}Cut`];
  const stays = body === "response" && (EVIDENCE as readonly unknown[]).includes(row.stage);
  if (stays || row[body] !== null || typeof cut !== "string") return false;
  const said = cutOf(cut);
  if (said?.removedAt === null || said === null || Number.isNaN(Date.parse(said.removedAt))) return false;
  const keys = Object.keys(JSON.parse(cut) as object).toSorted();
  const { sha256, bytes }: BodyPrint = sealed[body];
  return keys.join() === "bytes,removedAt,sha256" && sha256 !== null && said.bytes === bytes;
}
