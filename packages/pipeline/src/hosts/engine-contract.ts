/** What the engines answer (docs/engines.md), checked on arrival. JSON is snake_case; times are seconds of the original recording. */
import { z } from "zod";

const seconds = z.number().nonnegative();
const share = z.number().min(0).max(1);
const span = z.object({ start_s: seconds, end_s: seconds });
const engine = z.object({ name: z.string(), version: z.string(), model: z.string() });
/** Every response says who answered and how long it took. */
const answered = { engine, elapsed_ms: z.number().nonnegative() };
/** What an engine tolerated in a recording that it read, each a sentence. */
const notes = z.array(z.string()).optional();

export const uploadResponse = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string() });

export const denoiseResponse = z.looseObject({
  ...answered,
  duration_s: seconds,
  sample_rate: z.number(),
  channels: z.number().int(),
  notes,
  variant: z.literal("denoised"),
});
export type DenoiseResponse = z.infer<typeof denoiseResponse>;

export const ivrResponse = z.looseObject({
  ...answered,
  duration_s: seconds,
  notes,
  segments: z.array(z.looseObject({ ...span.shape, type: z.string() })),
  dtmf: z.string(),
  trim: span,
  speech_s: seconds,
  speech: z.array(span),
});
export type IvrResponse = z.infer<typeof ivrResponse>;

export const lidResponse = z.looseObject({
  ...answered,
  language: z.string().min(2).max(16),
  confidence: share.nullable(),
  speech_s: seconds,
});
export type LidResponse = z.infer<typeof lidResponse>;

const segment = z.looseObject({
  id: z.number().int().nonnegative(),
  ...span.shape,
  text: z.string(),
  confidence: share.nullable(),
  /** Who speaks; null, or left out, where nobody can tell. */
  speaker: z.enum(["dealer", "client"]).nullish(),
});
export type Segment = z.infer<typeof segment>;

const transcript = z.looseObject({
  ...answered,
  language: z.string(),
  duration_s: seconds,
  text: z.string(),
  confidence: share.nullable(),
  segments: z.array(segment),
  model: z.string(),
});
/** The problem of a recogniser that has no model for the language of a call. */
export const UNSUPPORTED_LANGUAGE = "unsupported-language";
const NO_TRANSCRIPT = { language: "und", duration_s: 0, text: "", confidence: null, segments: [], model: "" };
const untranscribed = z
  .looseObject({ type: z.literal(UNSUPPORTED_LANGUAGE), detail: z.string() })
  .transform(({ detail }) => ({ ...NO_TRANSCRIPT, untranscribed: detail }));
/** That a call is in a language that nobody can transcribe is a result: it stands in the log in the place of a transcript. */
export const sttResponse = z.union([transcript, untranscribed]);
/** `untranscribed`: why there is no transcript; nobody knows then what was said. */
export type SttResponse = Partial<z.infer<typeof transcript>> &
  Pick<z.infer<typeof transcript>, keyof typeof NO_TRANSCRIPT> & { untranscribed?: string };

/** Nobody speaks in the call, as far as the recogniser can hear. */
export function isSilent({ segments, untranscribed: why }: Pick<SttResponse, "segments" | "untranscribed">): boolean {
  return segments.length === 0 && why === undefined;
}

const evidence = z.object({ segment: z.number().int(), start_s: seconds, end_s: seconds, quote: z.string() });
const evidenceList = z.array(evidence);

export const extractedTrade = z.object({
  /** PROPOSAL: spoken of and not ordered, because the client did not agree, or under a condition. */
  action: z.enum(["NEW", "MODIFY", "CANCEL", "PROPOSAL"]),
  side: z.enum(["BUY", "SELL"]).nullable(),
  symbol: z.string().nullable(),
  symbol_spoken: z.string().nullable(),
  instrument: z.enum(["EQ", "FUT", "OPT"]).nullable(),
  quantity: z.number().nullable(),
  unit: z.enum(["SHARES", "LOTS"]).nullable(),
  price_type: z.enum(["LIMIT", "MARKET"]).nullable(),
  price: z.number().nullable(),
  trigger: z.number().nullable(),
  strike: z.number().nullable(),
  option_type: z.enum(["CE", "PE"]).nullable(),
  expiry: z.string().nullable(),
  read_back: z.boolean().nullable(),
  client_confirmed: z.boolean().nullable(),
  /** What the client answered to the order or its read back, as a whole; null where nobody says. */
  client_answer: z
    .enum(["ACCEPTED", "REFUSED", "DEFERRED", "CONDITIONAL", "OTHER", "UNCLEAR", "NONE"])
    .nullable()
    .default(null),
  /** The words of that answer. */
  answer_evidence: evidenceList.default([]),
  /** Who spoke of it first. */
  initiated_by: z.enum(["CLIENT", "DEALER"]).nullable().default(null),
  /** It closes a position, so that the side is an assumption. */
  closes_position: z.boolean().nullable().default(null),
  /** The client code that was named with this order. */
  client_code: z.string().nullable().default(null),
  /** All that the words may mean, where they may mean more than one number. */
  quantity_readings: z.array(z.number()).default([]),
  price_readings: z.array(z.number()).default([]),
  confidence: share,
  evidence: evidenceList,
});
export type ExtractedTrade = z.infer<typeof extractedTrade>;

/** What a model is asked to produce for llm1; the response adds who answered. */
export const extraction = z.object({
  call_id: z.string(),
  language: z.string().nullable(),
  client_identity: z.object({ name: z.string().nullable(), code: z.string().nullable() }),
  trades: z.array(extractedTrade),
  /** Symbols of the vocabulary that the engine has no spoken names for. */
  unknown_symbols: z.array(z.string()).default([]),
});
export type Extraction = z.infer<typeof extraction>;
export const llm1Response = z.looseObject({ ...answered, ...extraction.shape });
export type Llm1Response = z.infer<typeof llm1Response>;

export const auditAnswer = z.object({
  question_id: z.string(),
  answer: z.enum(["YES", "NO", "UNCLEAR", "NA"]),
  confidence: share,
  evidence: evidenceList,
  rationale: z.string(),
});
export type AuditAnswer = z.infer<typeof auditAnswer>;

/** What a model is asked to produce for llm2. */
export const audit = z.object({ call_id: z.string(), answers: z.array(auditAnswer) });
export const llm2Response = z.looseObject({ ...answered, ...audit.shape });
export type Llm2Response = z.infer<typeof llm2Response>;

type Quotes = readonly z.infer<typeof evidence>[];

/**
 * The first quote that does not stand verbatim in the segment it names; null when all do. Evidence that cannot be found
 * in the transcript is no evidence.
 */
export function inventedQuote(
  items: readonly { evidence: Quotes; answer_evidence?: Quotes }[],
  segments: readonly Pick<Segment, "id" | "text">[],
): string | null {
  const texts = new Map(segments.map(({ id, text }) => [id, text]));
  for (const item of items)
    for (const { segment: id, quote } of [...item.evidence, ...(item.answer_evidence ?? [])])
      if (quote.trim() === "" || !texts.get(id)?.includes(quote)) return quote;
  return null;
}
