/**
 * How the answers of model servers stand in the log. The response of an engine is the answer itself, as it came. A server
 * that speaks the OpenAI protocol answers in its own words: its response holds the body as it came, and the answer that was
 * read from it beside that: `{"answer": …, "body": …}`.
 */
import type { Json } from "@cofi/event-log/events";
import { JsonText } from "@cofi/event-log/json-text";

/** `answer` null: the body could not be understood, or was refused. */
export function answerWithBody(answer: unknown, body: JsonText): JsonText {
  return new JsonText(`{"answer":${JSON.stringify(answer ?? null)},"body":${body.text}}`);
}

/** The answer in a logged response of either kind. */
export function loggedAnswer(response: Json): Json {
  if (typeof response !== "object" || response === null || Array.isArray(response)) return response;
  const { answer, body, ...rest } = response;
  const isBoth = answer !== undefined && body !== undefined && Object.keys(rest).length === 0;
  return isBoth ? answer : response;
}
