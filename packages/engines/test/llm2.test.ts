import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  segmentsOf,
  startTextEngine,
  type Extraction,
  type Quote,
  type Segment,
  type TextEngine,
} from "./llm-support.js";

interface Answer {
  question_id: string;
  answer: "YES" | "NO" | "UNCLEAR" | "NA";
  confidence: number;
  evidence: Quote[];
  rationale: string;
}

const QUESTIONS = JSON.parse(
  await readFile(new URL("../../pipeline/data/audit-questions.json", import.meta.url), "utf8"),
) as { id: string; text: string }[];

let extraction: TextEngine;
let audit: TextEngine;
beforeAll(async () => {
  [extraction, audit] = await Promise.all([startTextEngine("llm1"), startTextEngine("llm2")]);
});
afterAll(async () => {
  await Promise.all([extraction.close(), audit.close()]);
});

async function ask(segments: readonly Segment[], questions = QUESTIONS): Promise<Answer[]> {
  const payload = { call_id: "C1", language: "en", transcript: { segments } };
  const extracted = (await (await extraction.post(payload)).json()) as Extraction;
  const response = await audit.post({ ...payload, extraction: extracted, questions });
  expect(response.status).toBe(200);
  const { answers } = (await response.json()) as { answers: Answer[] };
  expect(answers.map(({ question_id }) => question_id)).toEqual(questions.map(({ id }) => id));
  for (const { evidence, rationale, confidence } of answers) {
    expect(rationale).toMatch(/^[A-Z].*\.$/);
    expect(confidence).toBeGreaterThanOrEqual(0);
    expect(confidence).toBeLessThanOrEqual(1);
    for (const { segment, quote } of evidence) expect(segments.find(({ id }) => id === segment)?.text).toContain(quote);
  }
  return answers;
}

/** The answers by question id. */
async function answersTo(...lines: string[]): Promise<Record<string, string>> {
  const list = await ask(segmentsOf(lines));
  return Object.fromEntries(list.map(({ question_id, answer }) => [question_id, answer]));
}

const GOOD_CALL = [
  "good morning priya from the trading desk on a recorded line",
  "this is suresh client code c k seven seven eight one",
  "yes sir how can i help you",
  "buy two hundred shares of infosys at fifteen hundred",
  "so buy two hundred infosys at fifteen hundred shall i place the order",
  "yes go ahead",
  "order placed thank you",
];

describe("the audit questions", () => {
  it("are answered as one would wish for a call by the book", async () => {
    expect(await answersTo(...GOOD_CALL)).toEqual({
      client_identified: "YES",
      client_initiated: "YES",
      symbol_stated: "YES",
      quantity_stated: "YES",
      price_stated: "YES",
      dealer_read_back: "YES",
      client_confirmed: "YES",
      recorded_line_notice: "YES",
      advice_or_pressure: "NO",
      discretion_left: "NO",
    });
  });

  it("about orders do not apply to a call without one", async () => {
    const found = await answersTo(
      "good morning dealing desk",
      "what is the price of wipro",
      "four ten sir",
      "thank you",
    );
    for (const id of ["client_initiated", "symbol_stated", "quantity_stated", "price_stated", "dealer_read_back"])
      expect(found[id]).toBe("NA");
    expect(found).toMatchObject({ client_confirmed: "NA", discretion_left: "NA", client_identified: "NO" });
  });

  it("find what is missing", async () => {
    expect(await answersTo("hello", "buy two hundred infosys", "done sir")).toMatchObject({
      client_identified: "NO",
      price_stated: "NO",
      dealer_read_back: "NO",
      client_confirmed: "NO",
      recorded_line_notice: "NO",
      symbol_stated: "YES",
    });
  });

  it("need every order to fit, and name the one that does not", async () => {
    const list = await ask(
      segmentsOf([
        "buy two hundred infosys at fifteen hundred",
        "buy two hundred infosys at fifteen hundred correct",
        "yes correct and also sell fifty titan",
        "okay thank you",
      ]),
    );
    const price = list.find(({ question_id }) => question_id === "price_stated");
    expect(price).toMatchObject({ answer: "NO" });
    expect(price?.rationale).toContain("TITAN");
    expect(price?.rationale).not.toContain("INFY");
  });

  it.each([
    "this stock gives guaranteed returns",
    "you should buy it before it is too late",
    "our research recommends it",
    "you can book profit now",
    "trust me it cannot lose",
  ])("hear advice, pressure and promises: %s", async (line) => {
    const found = await ask(segmentsOf(["hello sir", line, "let me think"]));
    const advice = found.find(({ question_id }) => question_id === "advice_or_pressure");
    expect(advice?.answer).toBe("YES");
    expect(advice?.evidence.length).toBeGreaterThan(0);
  });

  it.each([
    "you decide the price",
    "at whatever price you get",
    "the quantity is up to you",
    "as you think fit",
    "at your discretion",
  ])("hear what is left to the dealer: %s", async (line) => {
    expect(await answersTo("buy twenty infosys", line)).toMatchObject({ discretion_left: "YES" });
  });

  it("do not take the dealer's courtesies for it", async () => {
    expect(
      await answersTo("tell me what you want to do", "buy twenty infosys at market", "thank you for your call"),
    ).toMatchObject({ discretion_left: "NO", advice_or_pressure: "NO" });
  });

  it("tell a dealer's proposal from a client's order", async () => {
    expect(await answersTo("shall i buy two hundred infosys at fifteen hundred for you", "yes go ahead")).toMatchObject(
      {
        client_initiated: "NO",
      },
    );
    expect(
      await answersTo("our analysts like it", "i recommend infosys", "okay buy two hundred infosys at fifteen hundred"),
    ).toMatchObject({ client_initiated: "UNCLEAR", advice_or_pressure: "YES" });
  });

  it("do not take a confirmation after the order was placed for one before", async () => {
    expect(
      await answersTo(
        "order placed sir",
        "you bought it already",
        "buy two hundred infosys at market",
        "buy two hundred infosys at market correct",
        "yes correct",
      ),
    ).toMatchObject({ client_confirmed: "UNCLEAR" });
  });

  it("are unclear where the recording was not understood", async () => {
    const found = await ask(segmentsOf(GOOD_CALL, 0.2));
    for (const { answer, confidence } of found) {
      expect(answer).toBe("UNCLEAR");
      expect(confidence).toBeLessThan(0.5);
    }
  });

  it("do not apply to silence", async () => {
    for (const { answer } of await ask([])) expect(answer).toBe("NA");
  });

  it("without a rule are left to a person", async () => {
    const [answer] = await ask(segmentsOf(GOOD_CALL), [{ id: "tone_of_voice", text: "Was the dealer polite?" }]);
    expect(answer).toMatchObject({ answer: "UNCLEAR", confidence: 0, evidence: [] });
    expect(answer?.rationale).toContain("no rule");
    const [inherited] = await ask(segmentsOf(GOOD_CALL), [{ id: "constructor", text: "?" }]);
    expect(inherited?.answer).toBe("UNCLEAR");
  });
});

it("a payload without the extraction is refused, naming the field", async () => {
  const response = await audit.post({ call_id: "C1", language: "en", transcript: { segments: [] }, questions: [] });
  expect(response.status).toBe(400);
  expect(((await response.json()) as { detail: string }).detail).toContain("extraction");
});
