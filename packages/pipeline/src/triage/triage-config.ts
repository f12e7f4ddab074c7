/** What a broker may tune in triage: windows, weights and thresholds. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { InputError } from "../input-error.js";
import { batchTimeZone } from "../csv/zoned-time.js";

const points = (value: number) => z.number().min(0).max(100).default(value);

export const triageConfigSchema = z.strictObject({
  /** IANA zone in which a trading day begins and ends. */
  timeZone: z.string().default("UTC"),
  /** Order sources that are phone orders; the others are out of scope. */
  orderSources: z.array(z.string().toUpperCase()).min(1).default(["DEALER"]),
  /** Minutes before the order in which the call must have ended at the earliest; null: the order's trading day. */
  windowMinutes: z.number().positive().nullable().default(null),
  /** Seconds by which the recorder's and the order system's clocks may differ. */
  clockSkewS: z.number().min(0).default(60),
  /** Seconds of speech after the trim below which a call cannot hold an order. */
  minSpeechS: z.number().min(0).default(5),
  weights: z
    .strictObject({ phone: points(40), clientCode: points(15), dealer: points(20), time: points(25) })
    .prefault({}),
  /** The time score falls to 1/e of its weight over this gap between the call's end and the order. */
  timeDecayMinutes: z.number().positive().default(30),
  /** The most a call can score when the client's phones are not known. */
  unknownPhoneCap: points(60),
  /** The score from which a call is a match. */
  matchFrom: points(70),
  /** How far a match must be ahead of the next. */
  matchMargin: points(10),
  /** The score from which a call is a weak match. */
  weakFrom: points(40),
  /** How many calls are kept for llm1 to decide between. */
  ambiguousKeep: z.number().int().positive().default(3),
  /** Candidates stored per trade, best first; calls outside the window count too. */
  maxCandidates: z.number().int().positive().default(100),
  /** Extensions by dealer, for calls whose row names no dealer; what calls.csv itself shows is added. */
  dealerExtensions: z.record(z.string(), z.array(z.string())).default({}),
});

export type TriageConfig = z.infer<typeof triageConfigSchema>;

export const DEFAULT_TRIAGE: TriageConfig = triageConfigSchema.parse({});

/**
 * The configuration of the JSON file that `COFI_TRIAGE_CONFIG` names, else the defaults; what the file leaves out is as by
 * default, and the time zone is the batch's.
 * @throws InputError naming the file, the field and what is wrong
 */
export async function loadTriageConfig(environment: NodeJS.ProcessEnv): Promise<TriageConfig> {
  const timeZone = batchTimeZone(environment);
  const path = environment["COFI_TRIAGE_CONFIG"];
  if (!path) return { ...DEFAULT_TRIAGE, timeZone };
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new InputError(
      `COFI_TRIAGE_CONFIG names ${path}, which cannot be read as JSON: ${(error as Error).message}. Correct the file or unset the variable.`,
      { cause: error },
    );
  }
  const parsed = triageConfigSchema.safeParse(
    typeof content === "object" && content !== null ? { timeZone, ...content } : content,
  );
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      ({ path: field, message }) => `${field.join(".") || "the file"}: ${message}`,
    );
    throw new InputError(`The triage configuration ${path} is not valid: ${issues.join("; ")}. Correct it.`);
  }
  batchTimeZone({ COFI_TIME_ZONE: parsed.data.timeZone });
  return parsed.data;
}
