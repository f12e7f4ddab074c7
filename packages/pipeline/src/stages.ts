/**
 * The ten stages as data: what each works on, what it asks, what it does with the answer. The order is that of the stage
 * table in event-log. A new stage is one entry here and one there.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import { auditQuestions } from "./audit-questions.js";
import type { BatchRun } from "./batch-run.js";
import type { Recording } from "./batch-folder.js";
import { readCalls } from "./calls-csv.js";
import type { RowError } from "./csv-rows.js";
import { EngineError } from "./engine-client.js";
import {
  denoiseResponse,
  inventedQuote,
  ivrResponse,
  lidResponse,
  llm1Response,
  llm2Response,
  sttResponse,
  type DenoiseResponse,
  type IvrResponse,
  type LidResponse,
  type Llm1Response,
  type Llm2Response,
  type SttResponse,
} from "./engine-contract.js";
import { admitCall, storeCalls, triageCalls } from "./call-records.js";
import type { OtherHost, Stage } from "./runner.js";
import type { EngineHost } from "./runtime/runtime.js";
import type { OpenAiStage } from "./openai-client.js";
import { readTrades, type ListedTrade } from "./trades-csv.js";
import { triage } from "./triage.js";
import { storeVerdicts } from "./trade-verdicts.js";

interface CsvUnit {
  name: string;
  path: string;
}

interface FileUnit {
  name: string;
  recording: Recording;
}

/** What the log keeps of a CSV file: its rows are in the result tables, its bad rows in events of their own. */
interface CsvAnswer {
  /** Of the file: a corrected file is read again by the next run. */
  sha256: string;
  rows: number;
  accepted: number;
  refused: number;
  codes: Record<string, number>;
}

const fileDistribution: Stage<FileUnit, { bytes: number; sha256: string }> = {
  name: "file_distribution",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { recording }, host) => ({
    batch_id: run.batchId,
    file_name: recording.fileName,
    bytes: recording.bytes,
    host: host?.url ?? null,
  }),
  ask: (run, { recording }, _payload, host, signal) =>
    run.client.upload(required(host), run.batchId, recording.fileName, recording.path, signal),
  isStale: async (_run, { recording }, answer) =>
    answer.bytes !== recording.bytes || answer.sha256 !== (await sha256Of(recording.path)),
  dropped: drop,
};

const callMetadata: Stage<CsvUnit, CsvAnswer> = {
  name: "callmetadata",
  answeredBy: () => HERE,
  units: ({ folder }) => [{ name: basename(folder.callsCsv), path: folder.callsCsv }],
  isStale: csvIsStale,
  payload: csvPayload,
  async ask(run, { name, path }) {
    const sha256 = await sha256Of(path);
    const { rows, errors } = await readCalls(run.folder, { timeZone: run.timeZone });
    return { sha256, ...logRowErrors(run, "callmetadata", name, rows, errors) };
  },
  async accept(run, _unit, answer) {
    const { calls } = await readCalls(run.folder, { timeZone: run.timeZone });
    run.refused += answer.refused + (answer.codes["FILE_NOT_LISTED"] ?? 0);
    run.calls = new Map(calls.map((call) => [call.fileName, call]));
  },
  async finish(run) {
    const left = [...run.active.keys()].filter((fileName) => !run.calls.has(fileName));
    for (const fileName of left) run.active.delete(fileName);
    if (left.length === 0) return;
    const message = `Recordings without a valid row in calls.csv leave the batch: ${left.length}`;
    await run.logger.info("callmetadata", message, { metadata: { files: left } });
  },
};

const tradeMetadata: Stage<CsvUnit, CsvAnswer> = {
  name: "trademetadata",
  answeredBy: () => HERE,
  units: ({ folder }) => [{ name: basename(folder.tradesCsv), path: folder.tradesCsv }],
  isStale: csvIsStale,
  payload: csvPayload,
  async ask(run, { name, path }) {
    const sha256 = await sha256Of(path);
    const { rows, errors } = await readTrades(run.folder, { timeZone: run.timeZone });
    return { sha256, ...logRowErrors(run, "trademetadata", name, rows, errors) };
  },
  async accept(run, _unit, answer) {
    const { trades } = await readTrades(run.folder, { timeZone: run.timeZone });
    run.refused += answer.refused;
    run.trades = trades;
    await run.persist(() => run.results.replaceTrades(run.batchId, trades));
  },
};

const denoise: Stage<FileUnit, DenoiseResponse> = {
  name: "denoise",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({ batch_id: run.batchId, file_name: name }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "denoise", unit, payload, denoiseResponse, host, signal),
  accept: (run, { name }, answer) => keep(run.findings.denoise, name, answer),
  dropped: drop,
};

const ivr: Stage<FileUnit, IvrResponse> = {
  name: "ivr",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({ batch_id: run.batchId, file_name: name }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "ivr", unit, payload, ivrResponse, host, signal),
  accept: (run, { name }, answer) => keep(run.findings.ivr, name, answer),
  dropped: drop,
};

const lid: Stage<FileUnit, LidResponse> = {
  name: "lid",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({
    batch_id: run.batchId,
    file_name: name,
    variant: "denoised",
    trim: trimOf(run, name),
  }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "lid", unit, payload, lidResponse, host, signal),
  async accept(run, { name }, answer) {
    admitCall(run, name);
    await keep(run.findings.lid, name, answer);
  },
  dropped: drop,
  finish: storeCalls,
};

const triaging: Stage<{ name: string; trade: ListedTrade }, Json> = {
  name: "triaging",
  answeredBy: () => HERE,
  async prepare(run) {
    const results = triage(run.trades, triageCalls(run), run.triageConfig);
    run.triage = new Map(results.map((result) => [result.tradeId, result]));
  },
  units: ({ trades }) => trades.map((trade) => ({ name: trade.tradeId, trade })),
  isStale: async (run, { name }, answer) => !isDeepStrictEqual(answer, toJson(run.triage.get(name))),
  payload: (_run, { trade }) => toJson(trade),
  ask: async (run, { name }) => toJson(run.triage.get(name)),
  async finish(run) {
    await run.persist(() => run.results.saveTriage(run.batchId, [...run.triage.values()]));
    const counts = new Map<string, number>();
    for (const { result } of run.triage.values()) counts.set(result, (counts.get(result) ?? 0) + 1);
    await run.logger.info("triaging", summary("Triage", counts), { metadata: Object.fromEntries(counts) });
  },
};

const stt: Stage<FileUnit, SttResponse> = {
  name: "stt",
  answeredBy: (run) => modelServer(run, "stt"),
  units(run) {
    if (run.settings.sttScope === "all") return activeFiles(run);
    const matched = new Set(
      [...run.triage.values()].flatMap(({ candidates }) =>
        candidates.filter(({ selected }) => selected).map(({ callId }) => callId),
      ),
    );
    return activeFiles(run).filter(({ name }) => matched.has(callIdOf(run, name)));
  },
  payload: (run, { name }) => ({
    batch_id: run.batchId,
    file_name: name,
    variant: run.openAi.answers("stt") ? "original" : "denoised",
    trim: trimOf(run, name),
    language: run.findings.lid.get(name)?.language ?? "und",
  }),
  ask(run, unit, payload, host, signal) {
    if (!run.openAi.answers("stt")) return askEngine(run, "stt", unit, payload, sttResponse, host, signal);
    const language = run.findings.lid.get(unit.name)?.language;
    return run.openAi.transcribe(
      unit.name,
      unit.recording.path,
      language === "und" ? null : (language ?? null),
      signal,
    );
  },
  async accept(run, { name }, answer) {
    await keep(run.findings.stt, name, answer);
    const { language, confidence, model, text, segments } = answer;
    await run.persist(() =>
      run.results.saveTranscript(run.batchId, callIdOf(run, name), { language, confidence, model, text, segments }),
    );
  },
  dropped: drop,
};

const llm1: Stage<FileUnit, Llm1Response> = {
  name: "llm1",
  answeredBy: (run) => modelServer(run, "llm1"),
  units: transcribed,
  payload: (run, { name }) => ({
    call_id: callIdOf(run, name),
    language: run.findings.stt.get(name)?.language ?? null,
    transcript: { segments: segmentsOf(run, name) },
  }),
  async ask(run, { name }, payload, host, signal) {
    const answer = run.openAi.answers("llm1")
      ? await run.openAi.extract(payload, signal)
      : await run.client.process(required(host), "llm1", payload, llm1Response, signal);
    return aboutThisCall(run, name, answer, answer.trades);
  },
  async accept(run, { name }, answer) {
    await keep(run.findings.llm1, name, answer);
    const trades = answer.trades.map((trade) => ({
      action: trade.action,
      side: trade.side,
      symbol: trade.symbol,
      symbolSpoken: trade.symbol_spoken,
      instrument: trade.instrument,
      quantity: trade.quantity,
      unit: trade.unit,
      priceType: trade.price_type,
      price: trade.price,
      triggerPrice: trade.trigger,
      strike: trade.strike,
      optionType: trade.option_type,
      expiry: trade.expiry,
      readBack: trade.read_back,
      clientConfirmed: trade.client_confirmed,
      confidence: trade.confidence,
      evidence: trade.evidence,
    }));
    await run.persist(() =>
      run.results.saveExtraction(run.batchId, callIdOf(run, name), trades, answer.client_identity),
    );
  },
  dropped: drop,
};

const llm2: Stage<FileUnit, Llm2Response> = {
  name: "llm2",
  answeredBy: (run) => modelServer(run, "llm2"),
  units: transcribed,
  payload: async (run, { name }) => ({
    call_id: callIdOf(run, name),
    language: run.findings.stt.get(name)?.language ?? null,
    transcript: { segments: segmentsOf(run, name) },
    extraction: toJson(run.findings.llm1.get(name)),
    questions: toJson(await auditQuestions()),
  }),
  async ask(run, { name }, payload, host, signal) {
    const answer = run.openAi.answers("llm2")
      ? await run.openAi.audit(payload, signal)
      : await run.client.process(required(host), "llm2", payload, llm2Response, signal);
    const asked = (await auditQuestions()).map(({ id }) => id);
    if (
      !isDeepStrictEqual(
        asked,
        answer.answers.map(({ question_id: id }) => id),
      )
    )
      throw refusal("The model did not answer each question once, in the order asked", "contract-violated", answer);
    return aboutThisCall(run, name, answer, answer.answers);
  },
  async accept(run, { name }, answer) {
    await keep(run.findings.llm2, name, answer);
    const answers = answer.answers.map(({ question_id: questionId, ...rest }) => ({ questionId, ...rest }));
    await run.persist(() => run.results.saveAnswers(run.batchId, callIdOf(run, name), answers));
  },
  dropped: drop,
  async finish(run) {
    const counts = await storeVerdicts(run);
    await run.logger.info("llm2", summary("Verdicts", counts), { metadata: Object.fromEntries(counts) });
  },
};

/** In the order of the stage table. The runner hands a stage only what that stage made itself. */
export const PIPELINE: readonly Stage[] = [
  fileDistribution,
  callMetadata,
  tradeMetadata,
  denoise,
  ivr,
  lid,
  triaging,
  stt,
  llm1,
  llm2,
];

/** This process. Units that take no time share the commits of their events. */
const HERE: OtherHost = { name: null, slots: 64 };

function modelServer({ openAi, settings }: BatchRun, stage: OpenAiStage): "engine" | OtherHost {
  return openAi.answers(stage) ? { name: openAi.hostName(stage), slots: settings.slotsPerHost } : "engine";
}

function activeFiles(run: BatchRun): FileUnit[] {
  return [...run.active].map(([name, recording]) => ({ name, recording }));
}

/** Calls in which something was said. */
function transcribed(run: BatchRun): FileUnit[] {
  return activeFiles(run).filter(({ name }) => segmentsOf(run, name).length > 0);
}

function segmentsOf(run: BatchRun, fileName: string): SttResponse["segments"] & Json[] {
  return (run.findings.stt.get(fileName)?.segments ?? []) as SttResponse["segments"] & Json[];
}

function drop(run: BatchRun, { name }: FileUnit): void {
  run.active.delete(name);
}

async function keep<T>(findings: Map<string, T>, fileName: string, answer: T): Promise<void> {
  findings.set(fileName, answer);
}

function callIdOf(run: BatchRun, fileName: string): string {
  const call = run.calls.get(fileName);
  if (!call) throw new Error(`${fileName} is in a stage after callmetadata without a row in calls.csv.`);
  return call.callId;
}

function trimOf(run: BatchRun, fileName: string): { start_s: number; end_s: number } {
  const found = run.findings.ivr.get(fileName);
  if (!found) throw new Error(`${fileName} is in a stage after ivr without an answer of ivr.`);
  return found.trim;
}

function required(host: EngineHost | null): EngineHost {
  if (!host) throw new Error("A stage that uses an engine was given none.");
  return host;
}

/** Asks about a recording; puts it on the host first where the host does not have it. */
async function askEngine<T>(
  run: BatchRun,
  stage: StageName,
  { recording }: FileUnit,
  payload: Json,
  schema: z.ZodType<T>,
  engine: EngineHost | null,
  signal: AbortSignal,
): Promise<T> {
  const host = required(engine);
  const ask = (body: Json): Promise<T> => run.client.process(host, stage, body, schema, signal);
  try {
    return await ask(payload);
  } catch (error) {
    if (!(error instanceof EngineError) || (error.type !== "file-missing" && error.type !== "variant-missing"))
      throw error;
    await run.client.upload(host, run.batchId, recording.fileName, recording.path, signal);
    if (error.type === "file-missing" && !asksForVariant(payload)) return ask(payload);
    const message = `${host.name} has no denoised audio of this file: the original is used`;
    await run.logger.info(stage, message, { fileName: recording.fileName, gpuIp: host.name });
    return ask({ ...(payload as { [key: string]: Json }), variant: "original" });
  }
}

function asksForVariant(payload: Json): boolean {
  return typeof payload === "object" && payload !== null && "variant" in payload && payload["variant"] === "denoised";
}

/** @throws EngineError when the answer is about another call or rests on words that nobody said in this one */
function aboutThisCall<T extends { call_id: string }>(
  run: BatchRun,
  fileName: string,
  answer: T,
  items: Parameters<typeof inventedQuote>[0],
): T {
  if (answer.call_id !== callIdOf(run, fileName))
    throw refusal(`The model answered about call ${answer.call_id}`, "contract-violated", answer);
  if (inventedQuote(items, segmentsOf(run, fileName)) !== null)
    throw refusal("The model quoted words that are not in the transcript", "invented-quote", answer);
  return answer;
}

/** A model may do better the next time. */
function refusal(what: string, type: string, response: unknown): EngineError {
  return new EngineError(`${what}: its answer is refused.`, { status: 200, type, retryable: true, response });
}

async function csvPayload(run: BatchRun, { name, path }: CsvUnit): Promise<Json> {
  return { file_name: name, bytes: (await stat(path)).size, time_zone: run.timeZone };
}

async function csvIsStale(_run: BatchRun, { path }: CsvUnit, answer: CsvAnswer): Promise<boolean> {
  return answer.sha256 !== (await sha256Of(path));
}

/** Lower-case hex, as the engines answer it. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** One event a bad row; the file stays in flight until all are told. */
function logRowErrors(
  run: BatchRun,
  stage: StageName,
  fileName: string,
  rows: number,
  errors: readonly RowError[],
): Omit<CsvAnswer, "sha256"> {
  const codes: Record<string, number> = {};
  for (const { message, ...rest } of errors) {
    codes[rest.code] = (codes[rest.code] ?? 0) + 1;
    void run.logger.fileError(stage, fileName, { error: message, willRetry: true, metadata: toJson(rest) });
  }
  const refused = new Set(errors.flatMap(({ line }) => (line === null ? [] : [line]))).size;
  return { rows, accepted: rows - refused, refused, codes };
}

function summary(what: string, counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([name, count]) => `${count} ${name}`);
  return `${what}: ${parts.join(", ") || "none"}`;
}

/** What JSON makes of a value: Dates as ISO text, absent fields left out. */
function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}
