import { z } from "zod";
import { parseRecording } from "../server/payload.js";
import { badRequest } from "../server/problem.js";
import type { FileStore } from "../server/stage-engine.js";
import type { Span } from "../audio/voice-activity.js";

const Fields = z.object({
  variant: z.enum(["denoised", "original"]),
  trim: z.object({ start_s: z.number().nonnegative(), end_s: z.number().nonnegative() }),
});

/** The request of the stages that listen to speech. */
export interface SpeechRequest {
  batchId: number;
  fileName: string;
  variant: "denoised" | "original";
  /** The conversation, in seconds of the original recording. Ends before it starts where there is none. */
  trim: Span;
}

/** Reads the fields that `lid` and `stt` share. Throws 400 `bad-request` naming the field. */
export function parseSpeechRequest(body: unknown): SpeechRequest {
  const recording = parseRecording(body);
  const parsed = Fields.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badRequest(`${issue?.path.join(".") || "the body"}: ${issue?.message ?? "not valid"}`);
  }
  return { ...recording, ...parsed.data };
}

/** The path of the variant that was asked for. Throws 404 when it is not on this host. */
export function requestedFile({ batchId, fileName, variant }: SpeechRequest, files: FileStore): Promise<string> {
  return variant === "original" ? files.original(batchId, fileName) : files.variant(batchId, fileName, variant);
}
