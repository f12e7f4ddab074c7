/** What names a recording in URLs and payloads (docs/engines.md). */
import { badRequest } from "./problem.js";
import type { Variant } from "./stage-engine.js";

const MAX_NAME_BYTES = 255;
export const VARIANT_FILES: Record<Variant, string> = { denoised: "denoised.wav" };

/** Checks a batch id from a URL or a payload. Throws 400 naming the field. */
export function validBatchId(value: unknown): number {
  const id = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0) {
    throw badRequest("batch_id must be an integer that is not negative");
  }
  return id;
}

/** Checks a recording's name (docs/engines.md). Throws 400 naming the field and the rule that is broken. */
export function validFileName(value: unknown): string {
  if (typeof value !== "string" || value === "") throw badRequest("file_name must be a text that is not empty");
  if (value === "." || value === "..") throw badRequest("file_name must not be . or ..");
  if (/[/\\\0]/.test(value)) throw badRequest("file_name must not contain a slash, a backslash or NUL");
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_NAME_BYTES) {
    throw badRequest(`file_name must have at most ${MAX_NAME_BYTES} bytes in UTF-8, and has ${bytes}`);
  }
  return value;
}

/** Checks the name of a derived recording. Throws 400 naming the ones that exist. */
export function validVariant(value: unknown): Variant {
  if (typeof value === "string" && Object.hasOwn(VARIANT_FILES, value)) return value as Variant;
  throw badRequest(`variant must be one of: ${Object.keys(VARIANT_FILES).join(", ")}`);
}
