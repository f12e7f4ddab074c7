/** The stages that work on what was said: stt, llm1 and llm2; by an engine, or by a server that speaks the OpenAI protocol. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import { auditQuestions } from "./audit-questions.js";
import type { BatchRun } from "../batch/batch-run.js";
import { EngineError } from "../hosts/engine-client.js";
import {
  inventedQuote,
  llm1Response,
  llm2Response,
  sttResponse,
  type Llm1Response,
  type Llm2Response,
  type SttResponse,
} from "../hosts/engine-contract.js";
import type { OpenAiStage } from "../hosts/openai-client.js";
import type { Executor, Stage } from "../batch/runner.js";
import { storeVerdicts } from "../verdict/trade-verdicts.js";
import { summary, toJson } from "./log-values.js";
import { activeFiles, askEngine, callIdOf, drop, keep, required, trimOf, type FileUnit } from "./recordings.js";

export const stt: Stage<FileUnit, SttResponse> = {
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
  skipped(run) {
    const wanted = new Set(this.units(run).map(({ name }) => name));
    const reason = "no trade may have been ordered in it, and COFI_STT_SCOPE is matched";
    return activeFiles(run).flatMap(({ name }) => (wanted.has(name) ? [] : [{ name, reason }]));
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
      run.results.saveTranscript(run.run, callIdOf(run, name), { language, confidence, model, text, segments }),
    );
  },
  dropped: drop,
};

export const llm1: Stage<FileUnit, Llm1Response> = {
  name: "llm1",
  answeredBy: (run) => modelServer(run, "llm1"),
  units: transcribed,
  skipped: (run) =>
    [...run.findings.stt.keys()]
      .filter((name) => run.active.has(name) && segmentsOf(run, name).length === 0)
      .map((name) => ({ name, reason: "nothing is said in it" })),
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
    await run.persist(() => run.results.saveExtraction(run.run, callIdOf(run, name), trades, answer.client_identity));
  },
  dropped: drop,
};

export const llm2: Stage<FileUnit, Llm2Response> = {
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
    await run.persist(() => run.results.saveAnswers(run.run, callIdOf(run, name), answers));
  },
  dropped: drop,
  async finish(run) {
    const counts = await storeVerdicts(run);
    await run.logger.info("llm2", summary("Verdicts", counts), { metadata: Object.fromEntries(counts) });
  },
};

function modelServer({ openAi, settings }: BatchRun, stage: OpenAiStage): "engine" | Executor {
  return openAi.answers(stage) ? { name: openAi.hostName(stage), slots: settings.slotsPerHost } : "engine";
}

/** Calls in which something was said. */
function transcribed(run: BatchRun): FileUnit[] {
  return activeFiles(run).filter(({ name }) => segmentsOf(run, name).length > 0);
}

function segmentsOf(run: BatchRun, fileName: string): SttResponse["segments"] & Json[] {
  return (run.findings.stt.get(fileName)?.segments ?? []) as SttResponse["segments"] & Json[];
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
