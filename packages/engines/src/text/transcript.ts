import { z } from "zod";
import { badRequest } from "../server/problem.js";

/** Taken where none is given: orders from it stay just above one half, far below those of a good recognition. */
const UNKNOWN_CONFIDENCE = 0.75;

const Segment = z.object({
  id: z.number().int().min(0),
  start_s: z.number().min(0),
  end_s: z.number().min(0),
  text: z.string(),
  /** null when the recogniser gives none: then nobody can say how good the text is. */
  confidence: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .transform((confidence) => confidence ?? UNKNOWN_CONFIDENCE),
  /** null or left out where nobody can tell. */
  speaker: z.enum(["dealer", "client"]).nullish(),
});

/** The parts of an stt response that the text stages need. Segments are in the order of the conversation. */
export const Transcript = z.object({ segments: z.array(Segment) });

export type TranscriptSegment = z.infer<typeof Segment>;
export type Speaker = "dealer" | "client";

/** A passage of the transcript: `quote` stands verbatim in the text of the segment; the times are the segment's. */
export interface Evidence {
  segment: number;
  start_s: number;
  end_s: number;
  quote: string;
}

/** Parses a payload of a text stage. Throws 400 `bad-request` naming the first field that does not fit. */
export function parsePayload<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.length ? issue.path.join(".") : "the body";
  throw badRequest(`${field}: ${issue?.message ?? "does not fit"}`);
}
