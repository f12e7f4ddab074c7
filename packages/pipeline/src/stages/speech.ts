/** The stages that work on what was said: stt, llm1 and llm2; by an engine, or by a server that speaks the OpenAI protocol. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import type { StageContext } from "../batch/context.js";
import { defineStage, LeftOut, type Asked } from "../batch/stage.js";
import { AnswerRefused } from "../hosts/answer-refused.js";
import {
  inventedQuote,
  llm1Response,
  llm2Response,
  sttResponse,
  type Llm1Response,
  type Llm2Response,
  type SttResponse,
} from "../hosts/engine-contract.js";
import type { Answered } from "../hosts/engine-client.js";
import type { TranscriptionRequest } from "../hosts/openai-requests.js";
import { batchVocabulary, vocabularySha256 } from "../symbols/vocabulary.js";
import { auditQuestions } from "./audit-questions.js";
import { orUntranscribed, reasonNotToRead } from "./untranscribed.js";
import { toJson } from "./log-values.js";
import { ModelChat } from "./model-chat.js";
import {
  answerOf,
  askEngine,
  callIdOf,
  drop,
  prepare,
  recordingsOf,
  required,
  trimOf,
  type FileUnit,
} from "./recordings.js";

type Transcribed = StageContext<"calls" | "stt">;
type Naming = Pick<StageContext<"trades">, "trades" | "triageConfig" | "symbolMaster">;

const NO_WORDS: Json = { symbols: [] };

/** The batch's own symbols, as the engines are given them; known when trades.csv was read. */
function vocabularyIn({ trades, triageConfig, symbolMaster }: Naming): Json {
  return batchVocabulary(trades.all, triageConfig.timeZone, symbolMaster);
}

export const stt = defineStage<"calls" | "trades" | "ivr" | "lid" | "triaging", FileUnit, SttResponse>(
  "stt",
  ["calls", "trades", "ivr", "lid", "triaging"],
  (context) => {
    const { openAi, settings, calls, measured, recordings } = context;
    let vocabulary: Json = NO_WORDS;
    const spokenIn = (path: string, name: string) => ({
      path,
      durationS: measured.speechOf(name)?.durationS ?? 0,
      trim: trimOf(measured, name),
      speech: async () => (await context.answers.of("ivr", name))?.answer.speech ?? [],
    });
    return {
      answeredBy: "engine",
      liesOn: (name) => context.derived.liesOn(name),
      async plan() {
        vocabulary = vocabularyIn(context);
        const all = recordingsOf(context);
        if (settings.sttScope === "all") return { units: all };
        const matched = await matchedCalls(context);
        const isMatched = ({ name }: FileUnit): boolean => matched.has(callIdOf(calls, name));
        const reason = "No trade was matched to this call (COFI_STT_SCOPE=matched)";
        const skipped = all.filter((unit) => !isMatched(unit)).map(({ name }) => ({ name, reason }));
        for (const { name } of skipped) recordings.delete(name);
        return { units: all.filter(isMatched), skipped };
      },
      async payload({ name, recording }) {
        const language = measured.languageOf(name)?.language ?? "und";
        if (openAi.answers("stt")) {
          const spoken = { fileName: name, ...spokenIn(recording.path, name) };
          return openAi.transcription({ ...spoken, language: language === "und" ? null : language }, context.signal);
        }
        const trim = trimOf(measured, name);
        return {
          batch_id: context.batchId,
          file_name: name,
          variant: "denoised",
          trim,
          language,
          vocabulary,
        };
      },
      async prepare(unit, payload, host, signal) {
        if (!openAi.answers("stt")) await prepare(context, "stt", unit, payload, host, signal);
      },
      ask: (unit, payload, host, signal, again) =>
        orUntranscribed(
          openAi.answers("stt")
            ? openAi.transcribe(
                required(host),
                payload as TranscriptionRequest | TranscriptionRequest[],
                spokenIn(unit.recording.path, unit.name),
                signal,
              )
            : askEngine(context, "stt", unit, payload, sttResponse, host, signal, again),
        ),
      async over(payload) {
        if (openAi.answers("stt")) await openAi.forget(payload as TranscriptionRequest | TranscriptionRequest[]);
      },
      answerFrom: answerOf(sttResponse),
      async store({ name }, { language, confidence, model, text, segments, untranscribed }) {
        if (untranscribed !== undefined) return;
        const transcript = { language, confidence, model, text, segments };
        await context.persist(() => context.results.saveTranscript(context.run, callIdOf(calls, name), transcript));
      },
      dropped: drop(context),
    };
  },
);

/** Ids of the calls in which triage found that a trade may have been ordered. */
async function matchedCalls({ answers, trades }: StageContext<"trades" | "triaging">): Promise<Set<string>> {
  const matched = new Set<string>();
  const names = trades.all.map(({ tradeId }) => tradeId);
  for await (const [, { answer }] of answers.each("triaging", names))
    for (const { callId, selected } of answer.candidates) if (selected) matched.add(callId);
  return matched;
}

export const llm1 = defineStage<"calls" | "trades" | "stt", FileUnit, Llm1Response>(
  "llm1",
  ["calls", "trades", "stt"],
  (context) => {
    const { openAi, calls } = context;
    const chat = new ModelChat("llm1", context);
    let vocabulary: Json = NO_WORDS;
    return {
      answeredBy: "engine",
      async plan() {
        vocabulary = vocabularyIn(context);
        return { units: recordingsOf(context) };
      },
      metadata: () => ({ vocabularySha256: vocabularySha256(vocabulary) }),
      async payload({ name }, host) {
        const transcript = await transcriptOf(context, name);
        const reason = reasonNotToRead(transcript);
        return reason === null
          ? chat.payload(name, host, inRequest(context, name, transcript, vocabulary))
          : new LeftOut(reason);
      },
      ask({ name }, payload, host, signal, again) {
        const engine = required(host);
        const input = async (): Promise<Json> =>
          inRequest(context, name, await transcriptOf(context, name), vocabulary);
        return chat.ask({ name, payload, host, again, input }, async (asked) => {
          const answered = openAi.answers("llm1")
            ? await openAi.extract(engine, asked, signal)
            : await context.client.process(engine, "llm1", asked, llm1Response, signal);
          return aboutThisCall(context, name, answered, answered.answer.trades, openAi.answers("llm1") ? null : asked);
        });
      },
      answerFrom: answerOf(llm1Response),
      async store({ name }, answer) {
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
        await context.persist(() =>
          context.results.saveExtraction(context.run, callIdOf(calls, name), trades, answer.client_identity),
        );
      },
      dropped(unit) {
        chat.forget(unit.name);
        drop(context)(unit);
      },
    };
  },
);

export const llm2 = defineStage<"calls" | "trades" | "stt" | "llm1", FileUnit, Llm2Response>(
  "llm2",
  ["calls", "trades", "stt", "llm1"],
  (context) => {
    const { openAi, calls, answers } = context;
    const chat = new ModelChat("llm2", context);
    let vocabulary: Json = NO_WORDS;
    const input = async (name: string): Promise<Json> => ({
      ...inRequest(context, name, await transcriptOf(context, name), vocabulary),
      extraction: toJson((await answers.of("llm1", name))?.answer),
      questions: toJson(await auditQuestions()),
    });
    return {
      answeredBy: "engine",
      async plan() {
        vocabulary = vocabularyIn(context);
        return { units: recordingsOf(context) };
      },
      payload: async ({ name }, host) => chat.payload(name, host, await input(name)),
      ask({ name }, payload, host, signal, again) {
        const engine = required(host);
        return chat.ask({ name, payload, host, again, input: () => input(name) }, async (asked) => {
          const answered = openAi.answers("llm2")
            ? await openAi.audit(engine, asked, signal)
            : await context.client.process(engine, "llm2", asked, llm2Response, signal);
          const { answer, response } = answered;
          const ids = (await auditQuestions()).map(({ id }) => id);
          const answeredIds = answer.answers.map(({ question_id: id }) => id);
          if (!isDeepStrictEqual(ids, answeredIds))
            throw new AnswerRefused(
              "The model did not answer each question once, in the order asked: its answer is refused.",
              {
                type: "contract-violated",
                response,
                forModel: `Answer these questions, each once, in this order: ${ids.join(", ")}.`,
              },
            );
          return aboutThisCall(context, name, answered, answer.answers, openAi.answers("llm2") ? null : asked);
        });
      },
      answerFrom: answerOf(llm2Response),
      async store({ name }, answer) {
        const rows = answer.answers.map(({ question_id: questionId, ...rest }) => ({ questionId, ...rest }));
        await context.persist(() => context.results.saveAnswers(context.run, callIdOf(calls, name), rows));
      },
      dropped(unit) {
        chat.forget(unit.name);
        drop(context)(unit);
      },
    };
  },
);

async function transcriptOf({ answers }: Transcribed, name: string): Promise<SttResponse> {
  const recorded = await answers.of("stt", name);
  if (!recorded) throw new Error(`The log holds no transcript of ${name} that can be read.`);
  return recorded.answer;
}

interface AboutTranscript {
  transcript: Pick<SttResponse, "segments">;
}

/** Holds what {@link AboutTranscript} says. */
function inRequest(
  { calls }: Transcribed,
  name: string,
  { language, segments }: SttResponse,
  vocabulary: Json,
): { [key: string]: Json } {
  const transcript = { segments: toJson(segments) };
  return { call_id: callIdOf(calls, name), language, transcript, vocabulary };
}

/**
 * @param asked the request to an engine, in which the segments stand; null for a model server
 * @throws EngineError when the answer is about another call or rests on words that nobody said in this one
 */
async function aboutThisCall<T extends { call_id: string }>(
  context: Transcribed,
  fileName: string,
  answered: Answered<T>,
  items: Parameters<typeof inventedQuote>[0],
  asked: Json,
): Promise<Asked<T>> {
  const { answer, response } = answered;
  const callId = callIdOf(context.calls, fileName);
  if (answer.call_id !== callId)
    throw new AnswerRefused(`The model answered about call ${answer.call_id}: its answer is refused.`, {
      type: "contract-violated",
      response,
      forModel: `call_id must be ${callId}.`,
    });
  const { segments } =
    asked === null ? await transcriptOf(context, fileName) : (asked as unknown as AboutTranscript).transcript;
  const invented = inventedQuote(items, segments);
  if (invented !== null)
    throw new AnswerRefused("The model quoted words that are not in the transcript: its answer is refused.", {
      type: "invented-quote",
      response,
      forModel: `This quote does not stand verbatim in the segment that you named: ${JSON.stringify(invented)}.`,
    });
  return answered;
}
