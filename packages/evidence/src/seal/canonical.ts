/**
 * What is hashed of a row of the log: the canonical form, number 1. It never changes; another one gets the next number. The documentation has
 * it too (docs/evidence.md), since others verify packs by it.
 *
 * - A value is its JSON text, as the database gives it: numbers, texts, null. Bytes, which only others store, are `{"bytes":"hex"}`.
 * - A body, payload or response, is its SHA-256 over `[cut, bytes]` as JSON, a line's end, and the text: so a row is proven also when
 *   retention has removed its bodies. `cut` is the text of `payloadCut`, `bytes` the length of the text in UTF-8 or null. A body that never
 *   was has no SHA-256, but null.
 * - The digest of a row is the SHA-256 over the JSON list of its values in the order of {@link SEALED}, then those of its bodies.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { parseJson } from "@cofi/event-log/json";

export const FORM = 1;

export const SEALED = [
  "id",
  "batchId",
  "timestamp",
  "stage",
  "eventType",
  "fileName",
  "gpuIp",
  "status",
  "errorMessage",
  "totalFiles",
  "processedFiles",
  "metadata",
  "eventId",
  "attempt",
  "durationMs",
  "run",
] as const;
/** Columns of the bodies. */
export const BODIES = ["payload", "payloadCut", "response", "responseCut"] as const;
export const COLUMNS = [...SEALED, ...BODIES] as const;

type Column = (typeof COLUMNS)[number];
export type Value = string | number | null | Uint8Array;
/** A row as it is stored; what the database made of itself (sizes) is left out. */
export type SealedRow = Readonly<Record<Column, Value>> & { readonly id: number };

/** Of a payload or a response. */
export interface BodyPrint {
  /** Base64url; null when there never was a text. */
  sha256: string | null;
  /** Of the whole text, also of one that was cut. */
  bytes: number | null;
}

/** What a row is known by. */
export interface RowPrint {
  /** Base64url. */
  digest: string;
  payload: BodyPrint;
  response: BodyPrint;
  /** CRC-32 of each of {@link COLUMNS}: they prove nothing, and tell which one was changed. */
  crcs: Uint32Array;
}

export function printOf(row: SealedRow): RowPrint {
  const [payload, response] = [bodyPrint(row.payload, row.payloadCut), bodyPrint(row.response, row.responseCut)];
  const crcs = new Uint32Array(COLUMNS.length);
  for (const [place, column] of COLUMNS.entries()) crcs[place] = row[column] === null ? 0 : crc32(json(row[column]));
  return { digest: digestOf(row, payload.sha256, response.sha256), payload, response, crcs };
}

/** Of a row whose bodies have these hashes. */
export function digestOf(row: SealedRow, payload: string | null, response: string | null): string {
  const values = SEALED.map((column) => json(row[column]));
  return hash("sha256", `[${values.join(",")},${JSON.stringify(payload)},${JSON.stringify(response)}]`, "base64url");
}

function bodyPrint(text: Value, cut: Value): BodyPrint {
  if (text === null && cut === null) return { sha256: null, bytes: null };
  const content = text === null ? "" : typeof text === "string" ? text : json(text);
  const stored = text === null ? null : Buffer.byteLength(content);
  const whole = cutOf(cut)?.bytes ?? stored;
  return { sha256: hash("sha256", `[${json(cut)},${JSON.stringify(stored)}]\n${content}`, "base64url"), bytes: whole };
}

/** What the column of a cut says; null when it says nothing that can be read. */
export function cutOf(cut: Value): { bytes: number | null; removedAt: string | null } | null {
  const parsed = typeof cut === "string" ? parseJson(cut) : undefined;
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
  const { bytes, removedAt } = parsed;
  return {
    bytes: typeof bytes === "number" ? bytes : null,
    removedAt: typeof removedAt === "string" ? removedAt : null,
  };
}

function json(value: Value): string {
  return value instanceof Uint8Array ? `{"bytes":"${Buffer.from(value).toString("hex")}"}` : JSON.stringify(value);
}
