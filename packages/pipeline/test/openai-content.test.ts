/** How models put their answers, and what of it is understood. */
import { afterEach, describe, expect, test } from "vitest";
import { AnswerRefused } from "@cofi/pipeline/answer-refused";
import type { Fault } from "@cofi/pipeline/engine-error";
import type { Answer, Kind } from "./model-server.js";
import { OpenAiBench, refusalOf } from "./openai-bench.js";

let bench: OpenAiBench | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

const GOOD = { call_id: "C1", language: "en", client_identity: { name: null, code: null }, trades: [] };
const JSON_TEXT = JSON.stringify(GOOD);

function says(message: object, finish = "stop"): Answer {
  return {
    body: { id: "1", choices: [{ index: 0, finish_reason: finish, message: { role: "assistant", ...message } }] },
  };
}

const UNDERSTOOD: [Kind, string, Answer][] = [
  ["vLLM", "plain", says({ content: JSON_TEXT })],
  ["Ollama", "in a fence", says({ content: `\`\`\`json\n${JSON_TEXT}\n\`\`\`` })],
  ["llama.cpp", "after its thoughts", says({ content: `<think>Is {"a": 1} it?</think>\n\n${JSON_TEXT}` })],
  ["vLLM", "after thoughts whose begin the template took away", says({ content: `Hm. {}\n</think>\n${JSON_TEXT}` })],
  ["llama.cpp", "in reasoning_content", says({ content: "", reasoning_content: JSON_TEXT })],
  ["vLLM", "in reasoning", says({ content: null, reasoning: JSON_TEXT })],
  [
    "speaches",
    "as parts",
    says({
      content: [
        { type: "text", text: JSON_TEXT.slice(0, 9) },
        { type: "text", text: JSON_TEXT.slice(9) },
      ],
    }),
  ],
  [
    "vLLM",
    "as a tool call",
    says({ content: null, tool_calls: [{ function: { name: "llm1", arguments: JSON_TEXT } }] }, "tool_calls"),
  ],
  [
    "Ollama",
    "as a tool call with an object",
    says({ content: "", tool_calls: [{ function: { name: "llm1", arguments: GOOD } }] }),
  ],
  ["Ollama", "with a byte-order mark", says({ content: `\uFEFF${JSON_TEXT}` })],
  [
    "Ollama",
    "with a byte-order mark before the body",
    { body: `\uFEFF${JSON.stringify(says({ content: JSON_TEXT }).body)}` },
  ],
  ["llama.cpp", "with words around it", says({ content: `Here it is: ${JSON_TEXT}\nIs there anything else?` })],
];

const REFUSED: [Kind, string, Answer, string, Fault, RegExp][] = [
  ["vLLM", "words", says({ content: "I am sorry." }), "no-json", "answer", /not JSON/],
  ["vLLM", "nothing", says({ content: null }), "no-json", "answer", /not JSON/],
  [
    "llama.cpp",
    "thoughts that never end",
    says({ content: `<think>It is ${JSON_TEXT}` }),
    "no-json",
    "answer",
    /not JSON/,
  ],
  [
    "Ollama",
    "two answers",
    says({ content: `${JSON_TEXT} or ${JSON_TEXT}` }),
    "several-answers",
    "answer",
    /gave 2 answers/,
  ],
  [
    "Ollama",
    "another shape",
    says({ content: '{"trades":"none"}' }),
    "contract-violated",
    "answer",
    /violates the engine contract: call_id/,
  ],
  [
    "vLLM",
    "a refusal",
    says({ content: null, refusal: "I cannot help with that." }),
    "refusal",
    "answer",
    /refused to answer/,
  ],
  [
    "vLLM",
    "an answer that was cut",
    says({ content: JSON_TEXT.slice(0, 20) }, "length"),
    "answer-cut",
    "file",
    /raise the length of its context/,
  ],
  ["vLLM", "a filtered answer", says({ content: "" }, "content_filter"), "content-filter", "file", /content filter/],
  ["Ollama", "no completion", { body: { object: "list" } }, "contract-violated", "host", /choices/],
  ["Ollama", "a page", { body: "<html>Log in</html>" }, "no-json", "host", /invalid JSON/],
];

describe("answers", () => {
  test.each(UNDERSTOOD)("%s: JSON %s is understood", async (kind, _what, answer) => {
    bench = await OpenAiBench.start(kind);
    expect((await bench.extract(answer)).answer).toMatchObject(GOOD);
  });

  test.each(REFUSED)("%s: %s", async (kind, _what, answer, type, fault, message) => {
    bench = await OpenAiBench.start(kind);
    const refused = await refusalOf(bench.extract(answer));
    expect(refused).toMatchObject({ type, fault, message: expect.stringMatching(message) });
    expect(refused instanceof AnswerRefused).toBe(fault === "answer");
  });

  test("a text of braces alone is read in no time", async () => {
    bench = await OpenAiBench.start("vLLM");
    for (const content of ["{".repeat(20_000), "{x}".repeat(20_000)])
      expect(await refusalOf(bench.extract(says({ content })))).toMatchObject({ type: "no-json" });
  });
});
