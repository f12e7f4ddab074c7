/** The one JSON value in the words of a model, wherever and however it put it. */
import { z } from "zod";
import type { JsonText } from "@cofi/event-log/json-text";
import { AnswerRefused } from "./answer-refused.js";
import { EngineError } from "./engine-error.js";

/** Parts that are not text, such as an image, say nothing. */
const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().nullish().catch(null) }))]);
/** Ollama's own API gives the arguments of a tool as an object, the OpenAI protocol as text. */
const toolCall = z.looseObject({ function: z.looseObject({ arguments: z.unknown().optional() }) });

export const chatCompletion = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({
          content: content.nullish(),
          refusal: z.string().nullish(),
          tool_calls: z.array(toolCall).nullish(),
          /** Of llama.cpp, DeepSeek and older vLLM. */
          reasoning_content: z.string().nullish(),
          /** Of vLLM and Ollama. */
          reasoning: z.string().nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.looseObject({ completion_tokens: z.number().nullish() }).nullish().catch(null),
});
type Message = z.infer<typeof chatCompletion>["choices"][number]["message"];

interface Asked {
  /** Model and host, for messages. */
  model: string;
  name: string;
  response: JsonText;
}

/**
 * The value that the model was asked to produce.
 * @throws EngineError when it was cut or filtered; AnswerRefused when it is not exactly one value of the schema
 */
export function answerIn<T>(completion: z.infer<typeof chatCompletion>, schema: z.ZodType<T>, asked: Asked): T {
  const { model, name, response } = asked;
  const [choice] = completion.choices;
  const by = `${model} at ${name}`;
  if (choice?.finish_reason === "length") {
    const tokens = completion.usage?.completion_tokens;
    throw new EngineError(
      `${by} ran out of tokens before its answer was complete${tokens ? `, after ${tokens}` : ""}: ` +
        "raise the length of its context or of its answers there (vLLM: --max-model-len; llama.cpp: --ctx-size and " +
        "--n-predict; Ollama: OLLAMA_CONTEXT_LENGTH, num_predict).",
      { status: 200, type: "answer-cut", fault: "file", response },
    );
  }
  if (choice?.finish_reason === "content_filter")
    throw new EngineError(`A content filter at ${name} withheld the answer of ${model} about this call.`, {
      status: 200,
      type: "content-filter",
      fault: "file",
      response,
    });
  const refusal = choice?.message.refusal;
  if (refusal)
    throw new AnswerRefused(`${by} refused to answer.`, {
      type: "refusal",
      response,
      forModel:
        "You refused to answer. Reading this transcript for an audit is allowed: answer with the JSON that is asked for.",
    });
  const texts = choice ? placesOf(choice.message) : [];
  return oneOf(texts[0] ?? "", schema, { ...asked, by });
}

/** Where an answer may stand: the first of these that holds anything is it. */
function placesOf({ content: said, tool_calls: calls, reasoning_content: thought, reasoning }: Message): string[] {
  const text = typeof said === "string" ? said : (said ?? []).map((part) => part.text ?? "").join("");
  const [call] = calls ?? [];
  const given: unknown = call?.function.arguments;
  const tool = typeof given === "string" ? given : given === undefined ? "" : JSON.stringify(given);
  return [text, tool, thought ?? "", reasoning ?? ""].map(withoutThoughts).filter((one) => one !== "");
}

/** Without the thoughts before the answer, byte-order marks and white space. Thoughts that never end have no answer behind them. */
function withoutThoughts(text: string): string {
  const end = text.lastIndexOf("</think>");
  const answer = end >= 0 ? text.slice(end + "</think>".length) : text.replace(/^[\s\uFEFF]*<think>[^]*$/, "");
  return answer.replaceAll("\uFEFF", "").trim();
}

function oneOf<T>(text: string, schema: z.ZodType<T>, { by, response }: Asked & { by: string }): T {
  const whole = parsed(text);
  const found = whole === undefined ? objectsIn(text) : [whole];
  const results = found.map((value) => schema.safeParse(value));
  const fitting = results.flatMap(({ data }) => (data === undefined ? [] : [data]));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (fitting.length > 1)
    throw new AnswerRefused(`${by} gave ${fitting.length} answers where one was asked for.`, {
      type: "several-answers",
      response,
      forModel: "You gave several answers. Give exactly one JSON object, and nothing else.",
    });
  const issue = results.find(({ error }) => error)?.error?.issues[0];
  if (!issue)
    throw new AnswerRefused(`${by} answered with text that is not JSON.`, {
      type: "no-json",
      response,
      forModel: "It was no JSON. Give exactly one JSON object, and nothing else.",
    });
  const what = `${issue.path.join(".") || "the answer"}: ${issue.message}`;
  throw new AnswerRefused(`${by} gave an answer that violates the engine contract: ${what}.`, {
    type: "contract-violated",
    response,
    forModel: `It does not fit the schema: ${what}.`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * The objects that stand in a text with words, or a fence, around them; not those inside of others. Each character is looked at
 * once, however little of the text is JSON.
 */
function objectsIn(text: string): unknown[] {
  const found: unknown[] = [];
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at)) {
    const end = endOfObject(text, at);
    if (end === null) break;
    const value = parsed(text.slice(at, end));
    if (value !== undefined) found.push(value);
    at = end;
  }
  return found;
}

/** Just behind the brace that closes the one at `start`; null when none does. */
function endOfObject(text: string, start: number): number | null {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (isString) {
      if (char === "\\") at += 1;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === "{") depth += 1;
    else if (char === "}" && --depth === 0) return at + 1;
  }
  return null;
}
