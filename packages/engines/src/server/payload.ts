import { z } from "zod";
import { validBatchId, validFileName } from "./file-names.js";
import { badRequest } from "./problem.js";

const RecordingPayload = z.object({ batch_id: z.unknown(), file_name: z.unknown() });

/** Reads a payload that names one recording. Throws 400 `bad-request` naming the field. */
export function parseRecording(body: unknown): { batchId: number; fileName: string } {
  const parsed = RecordingPayload.safeParse(body);
  if (!parsed.success) throw badRequest("The body must be a JSON object with batch_id and file_name");
  if (typeof parsed.data.batch_id === "string") throw badRequest("batch_id must be a number, not a text");
  return { batchId: validBatchId(parsed.data.batch_id), fileName: validFileName(parsed.data.file_name) };
}

const kept = z.strictObject({ file_names: z.array(z.string()).min(1) });

/** The names in the body of `POST /files/{batch_id}/keep-only`. Throws 400: without any, all recordings would go. */
export function keptNames(body: unknown): string[] {
  const parsed = kept.safeParse(body);
  if (!parsed.success) throw badRequest("file_names must be a list of at least one name of a recording");
  return parsed.data.file_names.map(validFileName);
}
