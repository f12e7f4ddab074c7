/** What is sent to servers that speak the OpenAI protocol: the very fields and bodies, as they are logged. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import type { Span } from "./audio-pieces.js";
import { audit, extraction } from "./engine-contract.js";
import type { CutAudio } from "./recording-audio.js";
import { whisperCode } from "./whisper-languages.js";

/**
 * The fields of the form in their order. In place of its bytes, the file stands with its name, size, lower-case SHA-256, and
 * the part of the recording that it holds.
 */
export type TranscriptionRequest = {
  file: { name: string; bytes: number; sha256: string; start_s: number; end_s: number };
  model: string;
  response_format: string;
  "timestamp_granularities[]": string;
  language?: string;
};

/** `language`: ISO 639-1; null lets the server find out. */
export function transcriptionRequest(
  { model, fileName, language }: { model: string; fileName: string; language: string | null },
  { start_s, end_s }: Span,
  { bytes, sha256 }: Pick<CutAudio, "bytes" | "sha256">,
): TranscriptionRequest {
  // Servers look at the end of the name to know the format.
  const name = `${fileName.replace(/\.[^.]*$/, "")}.wav`;
  return {
    file: { name, bytes, sha256, start_s, end_s },
    model,
    response_format: "verbose_json",
    "timestamp_granularities[]": "segment",
    ...(language !== null && { language: whisperCode(language) }),
  };
}

/** The form of a request (RFC 7578), with its audio, which is read from its disk as it is sent. */
export function formOf(
  { file, ...fields }: TranscriptionRequest,
  audio: Pick<CutAudio, "bytes" | "content">,
): { headers: Record<string, string>; body: Readable } {
  const boundary = `cofi-${randomUUID()}`;
  const part = (name: string): string => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
  const before = Buffer.from(`${part("file")}; filename="${quoted(file.name)}"\r\nContent-Type: audio/wav\r\n\r\n`);
  const others = Object.entries(fields).map(([name, value]) => `\r\n${part(name)}\r\n\r\n${value}`);
  const after = Buffer.from(`${others.join("")}\r\n--${boundary}--\r\n`);
  async function* content(): AsyncGenerator<Buffer> {
    yield before;
    yield* audio.content();
    yield after;
  }
  return {
    headers: {
      "content-type": `multipart/form-data; boundary=${boundary}`,
      "content-length": String(before.length + audio.bytes + after.length),
    },
    body: Readable.from(content(), { objectMode: false }),
  };
}

/** As browsers write the name of a file (HTML, 4.10.21.8). */
function quoted(name: string): string {
  return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}

/** How a server is asked for JSON: by the schema, for any JSON, or in words alone; each when it refused the one before. */
export type JsonMode = "json_schema" | "json_object" | "words";
const NEXT_MODE: Record<JsonMode, JsonMode | null> = { json_schema: "json_object", json_object: "words", words: null };

export interface ChatOptions {
  stage: "llm1" | "llm2";
  model: string;
  mode: JsonMode;
  /** Why an earlier answer to the same question was refused, as sentences; null when none was. */
  refused: string | null;
}

/** The body of a chat completion about `input`, which is what the engine of the stage would be asked. */
export function chatRequest({ stage, model, mode, refused }: ChatOptions, input: Json): { [key: string]: Json } {
  const schema = mode === "json_schema" ? "" : ` ${SCHEMA_RULE} ${JSON.stringify(SCHEMAS[stage])}`;
  // Many chat templates insist on one question after the instructions: the reason of a refusal stands with these.
  const before = refused === null ? "" : ` ${REFUSED_BEFORE} ${refused}`;
  return {
    model,
    temperature: 0,
    messages: [
      { role: "system", content: `${PROMPTS[stage]}${schema}${before}` },
      { role: "user", content: JSON.stringify(input) },
    ],
    ...formatOf(stage, mode),
  };
}

function formatOf(stage: "llm1" | "llm2", mode: JsonMode): { [key: string]: Json } {
  if (mode === "words") return {};
  if (mode === "json_object") return { response_format: { type: "json_object" } };
  return {
    response_format: { type: "json_schema", json_schema: { name: stage, strict: true, schema: SCHEMAS[stage] } },
  };
}

/** How to ask a server that refused `request`; null when it was asked in words alone. */
export function nextMode(request: Json): JsonMode | null {
  const format = (request as { response_format?: { type?: string } }).response_format?.type;
  return NEXT_MODE[format === "json_schema" || format === "json_object" ? format : "words"];
}

/** Strict servers know no defaults: what may be left out by engines is asked for. */
function jsonSchema(schema: z.ZodType): Json {
  const strict = z.toJSONSchema(schema, { override: ({ jsonSchema: node }) => void delete node.default });
  return JSON.parse(JSON.stringify(strict)) as Json;
}

const SCHEMAS = { llm1: jsonSchema(extraction), llm2: jsonSchema(audit) };

const SCHEMA_RULE = "Answer with one JSON object of this JSON schema, and with nothing else:";

const REFUSED_BEFORE = "An earlier answer of yours about this call was refused.";

const EVIDENCE_RULE =
  "Every quote must be copied verbatim from the text of the segment whose id you give, with that segment's start_s and end_s. " +
  "Never infer what was not said: use null, or leave the item out. Confidence is between 0 and 1.";

const SPEAKER_RULE =
  "The speaker of a segment is dealer or client, and null where nobody can tell. " +
  "A yes counts only as the client's, and only as a whole answer: a negation, a condition, a delay, a reservation or another subject anywhere in it " +
  "voids it, silence is no yes, and a later refusal takes an earlier yes back. ";

const EXTRACTION_PROMPT =
  "You read the transcript of a phone call between a broker's dealer and a client and list every order spoken of, as JSON. " +
  "An order has action NEW, MODIFY or CANCEL. A question about a price, a quotation, advice, a holding, an order of another day or of somebody else is no order. " +
  "What the dealer proposes and the client does not accept, and what is to be done only under a condition, has action PROPOSAL. Later words amend earlier ones: " +
  "give the order as it finally stands. quantity counts shares or lots as unit says; price null with price_type MARKET for market orders. " +
  "Where the words may mean several numbers, quantity_readings and price_readings list all, the likeliest first; else they are empty. " +
  "symbol is the exchange's symbol, as the vocabulary writes it where it holds the spoken name, symbol_spoken the words used; unknown_symbols is empty. " +
  "instrument is FUT or OPT only where it was said, and expiry holds the words that were said of it. closes_position: an existing position is squared off or exited. " +
  SPEAKER_RULE +
  "read_back: the dealer repeated the order. client_answer is what the client answered to it: ACCEPTED, REFUSED, DEFERRED, CONDITIONAL, " +
  "OTHER (about something else), UNCLEAR (words that may agree, and nobody can say) or NONE; answer_evidence quotes that answer, and client_confirmed is true for ACCEPTED alone. initiated_by says who spoke of the order first. " +
  "client_identity is who the client says they are, client_code the code that was named with an order, if it was. " +
  EVIDENCE_RULE;

const AUDIT_PROMPT =
  "You audit the transcript of a phone call between a broker's dealer and a client. Answer each question in the order asked, as JSON: " +
  "YES, NO, UNCLEAR when the transcript does not tell, NA when the question does not apply. rationale is one plain sentence. " +
  SPEAKER_RULE +
  EVIDENCE_RULE;

const PROMPTS = { llm1: EXTRACTION_PROMPT, llm2: AUDIT_PROMPT };
