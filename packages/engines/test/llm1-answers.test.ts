/** A yes is a whole answer, and the client's: what llm1 makes of the turn after an order, a proposal or a read back. */
import { describe, expect, it } from "vitest";
import { segmentsOf, type Segment } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { extractFrom } = useExtraction();

/** `d: …` and `c: …` are the dealer's and the client's turns; without them nobody knows who speaks. */
function turns(...lines: string[]): Segment[] {
  const speakers = { d: "dealer", c: "client" } as const;
  return segmentsOf(lines.map((line) => line.replace(/^[dc]: /, ""))).map((segment, index) => {
    const label = /^([dc]): /.exec(lines[index] ?? "")?.[1] as "d" | "c" | undefined;
    return { ...segment, speaker: label ? speakers[label] : null };
  });
}

/** What became of the first order: `ACCEPTED`, or why not. */
async function answerOf(...lines: string[]): Promise<string | undefined> {
  const [first] = (await extractFrom(turns(...lines))).trades;
  expect(first?.client_confirmed).toBe(first?.client_answer === "ACCEPTED");
  return first?.client_answer;
}

const ORDER = ["c: buy forty hindalco at six ninety", "d: forty hindalco at six ninety shall i place it"];
const PROPOSAL = ["d: shall i sell forty hindalco at six ninety"];

describe("the answer to a read back", () => {
  it.each([
    ["c: yes", "ACCEPTED"],
    ["c: okay sir place it", "ACCEPTED"],
    ["c: that is exactly what i said", "ACCEPTED"],
    ["c: no problem", "ACCEPTED"],
    ["c: yes and let me know when it is done", "ACCEPTED"],
    ["c: haan ji theek hai", "ACCEPTED"],
    ["c: yes forty hindalco at six ninety only", "ACCEPTED"],
    ["c: no", "REFUSED"],
    ["c: yes yes i know but i do not want it", "REFUSED"],
    ["c: sure about that i am not", "REFUSED"],
    ["c: nahi rehne do", "REFUSED"],
    ["c: okay tomorrow then", "DEFERRED"],
    ["c: right let me ask at home first", "DEFERRED"],
    ["c: fine i will get back to you", "DEFERRED"],
    ["c: yes if it comes down a little", "CONDITIONAL"],
    ["c: confirm once the dividend is paid unless i call", "CONDITIONAL"],
    ["c: haan agar thoda gire to", "CONDITIONAL"],
    ["c: yes but", "OTHER"],
    ["c: what did it close at", "OTHER"],
    ["c: yes what is my margin", "OTHER"],
    ["c: okay noted", "OTHER"],
    ["c: ha ha very funny", "OTHER"],
    ["c: yes the cricket was wonderful and we all enjoyed the food", "OTHER"],
    ["c: yes the cricket was wonderful", "UNCLEAR"],
    ["c: okay bye", "UNCLEAR"],
    ["c: no no that's right", "ACCEPTED"],
    ["c: okay maybe", "DEFERRED"],
    ["c: yes my wife will confirm", "DEFERRED"],
    ["c: confirm it with my accountant", "DEFERRED"],
    ["c: go ahead with something else", "OTHER"],
    ["c: okay with half of it", "UNCLEAR"],
    ["c: alright bye", "UNCLEAR"],
    ["c: yes at six fifty", "NONE"],
    ["c: thank you", "NONE"],
  ])("%s", async (line, kind) => {
    expect(await answerOf(...ORDER, line)).toBe(kind);
  });

  it("counts only as the client's", async () => {
    expect(await answerOf(...ORDER, "d: yes", "d: okay confirmed")).toBe("NONE");
    expect(await answerOf(...ORDER, "d: yes sir i am checking")).toBe("NONE");
  });

  it("is the whole turn, also where the recogniser cuts it", async () => {
    expect(await answerOf(...ORDER, "c: yes", "c: but only after four o'clock")).toBe("CONDITIONAL");
  });

  it("is for the order that it names", async () => {
    const both = turns(
      "c: buy forty hindalco at six ninety and sell ten maruti at market",
      "d: forty hindalco at six ninety and ten maruti sell at market okay",
      "c: only maruti yes hindalco no",
    );
    const { trades } = await extractFrom(both);
    expect(trades.map(({ symbol, client_answer }) => [symbol, client_answer])).toEqual([
      ["HINDALCO", "REFUSED"],
      ["MARUTI", "ACCEPTED"],
    ]);
  });
});

describe("a proposal", () => {
  it("of two shares is accepted for the one that is named", async () => {
    const both = "d: shall i buy ten maruti at twelve thousand and forty hindalco at six ninety";
    const { trades } = await extractFrom(turns(both, "c: buy the hindalco leave maruti"));
    expect(trades.map(({ action, symbol }) => [action, symbol])).toEqual([
      ["PROPOSAL", "MARUTI"],
      ["NEW", "HINDALCO"],
    ]);
  });

  it.each([
    ["c: go ahead", "ACCEPTED", "NEW"],
    ["c: yes go ahead sell it", "ACCEPTED", "NEW"],
    ["c: sell forty hindalco at six ninety", "ACCEPTED", "NEW"],
    ["c: i never asked you to go ahead", "REFUSED", "PROPOSAL"],
    ["c: no please do not sell", "REFUSED", "PROPOSAL"],
    ["c: i have enough on my plate", "REFUSED", "PROPOSAL"],
    ["c: hello who is it", "OTHER", "PROPOSAL"],
    ["c: yes that is what my brother also wants to sell", "OTHER", "PROPOSAL"],
    ["c: yes at six fifty", "NONE", "PROPOSAL"],
  ])("and %s", async (line, kind, action) => {
    const { trades } = await extractFrom(turns(...PROPOSAL, line));
    expect(trades).toMatchObject([{ action, client_answer: kind, initiated_by: "DEALER" }]);
  });

  it("without an answer stays one", async () => {
    const { trades } = await extractFrom(turns(...PROPOSAL, "d: hello", "d: okay fine i am selling"));
    expect(trades).toMatchObject([{ action: "PROPOSAL", client_confirmed: false }]);
  });

  it("that only advises needs more than an okay", async () => {
    const advice = "d: you should buy forty hindalco at six ninety";
    expect(await answerOf(advice, "c: okay")).toBe("OTHER");
    expect(await answerOf(advice, "c: okay buy it")).toBe("ACCEPTED");
  });
});

describe("what was agreed to", () => {
  it("is taken back by a refusal, and no later okay brings it back", async () => {
    expect(
      await answerOf(...ORDER, "c: yes", "d: sending it", "c: no wait do not place it", "d: okay", "c: okay bye"),
    ).toBe("REFUSED");
  });

  it("is taken back by who denies to have ordered it", async () => {
    expect(await answerOf(...ORDER, "c: yes", "d: okay done", "c: i did not ask you to do it")).toBe("REFUSED");
  });

  it("ends when the client meant another share", async () => {
    const { trades } = await extractFrom(
      turns(...ORDER, "c: yes", "d: placed", "c: oh no cancel that i wanted power grid"),
    );
    expect(trades.map(({ action, symbol, client_answer }) => [action, symbol, client_answer])).toEqual([
      ["NEW", "HINDALCO", "REFUSED"],
      ["CANCEL", "HINDALCO", "NONE"],
    ]);
  });

  it("is not taken back by the answer to another question", async () => {
    expect(await answerOf(...ORDER, "c: yes", "d: anything else", "c: no")).toBe("ACCEPTED");
    expect(await answerOf(...ORDER, "c: yes", "d: thank you", "c: i will call you later")).toBe("ACCEPTED");
  });

  it("may come after a delay, by a clear instruction, or when the dealer asks again", async () => {
    expect(await answerOf(...ORDER, "c: wait a minute", "d: sure", "c: okay")).toBe("DEFERRED");
    expect(await answerOf(...ORDER, "c: wait a minute", "d: sure", "c: go ahead")).toBe("ACCEPTED");
    expect(
      await answerOf(...ORDER, "c: wait a minute", "d: forty hindalco at six ninety yes or no", "c: yes go ahead"),
    ).toBe("ACCEPTED");
  });
});

describe("what clients add to their own order", () => {
  it.each([
    ["c: only if the index holds", "PROPOSAL"],
    ["c: not now tomorrow", "PROPOSAL"],
    ["c: quickly please", "NEW"],
  ])("%s", async (line, action) => {
    const { trades } = await extractFrom(turns("c: buy forty hindalco at six ninety", line));
    expect(trades).toMatchObject([{ action, client_confirmed: false }]);
  });
});

describe("an order under a condition", () => {
  it.each([
    "c: if hindalco falls to six fifty then buy forty",
    "c: buy forty hindalco once my cheque is cleared",
    "c: agar hindalco gire to forty share le lo",
  ])("%s", async (line) => {
    const { trades } = await extractFrom(turns(line, "d: okay sir", "c: yes"));
    for (const { action, client_confirmed } of trades) expect([action, client_confirmed]).toEqual(["PROPOSAL", false]);
  });
});

describe("where nobody knows who speaks", () => {
  it("a yes counts after a read back or a question, not beside what dealers say", async () => {
    const lines = ["buy forty hindalco at six ninety", "forty hindalco at six ninety correct"];
    expect(await answerOf(...lines, "yes")).toBe("ACCEPTED");
    expect(await answerOf(...lines, "yes i am placing it")).toBe("NONE");
    expect(await answerOf(...lines, "okay sir the order is placed thank you")).toBe("NONE");
    expect(await answerOf("buy forty hindalco at six ninety", "okay", "yes")).toBe("NONE");
  });

  it("an answer in the breath of the question counts, a yes without a question does not", async () => {
    const order = "buy forty hindalco at six ninety";
    expect(await answerOf(order, "forty hindalco at six ninety shall i place it yes go ahead")).toBe("ACCEPTED");
    expect(await answerOf(order, "forty hindalco at six ninety yes sir")).toBe("NONE");
  });

  it("a question behind words about something else asks all the same", async () => {
    const again = "your old order is gone buy forty hindalco at six ninety correct";
    expect(await answerOf("buy forty hindalco at six ninety", again, "correct")).toBe("ACCEPTED");
  });

  it("both orders of a spread are read back", async () => {
    const spread = "buy one lot nifty 24000 call at 150 and sell one lot nifty 24500 call at 60";
    const { trades } = await extractFrom(turns(spread, spread.replace(" and", ""), "yes both"));
    expect(trades.map(({ side, client_answer }) => [side, client_answer])).toEqual([
      ["BUY", "ACCEPTED"],
      ["SELL", "ACCEPTED"],
    ]);
  });

  it("a dealer who corrects himself reads the order back", async () => {
    const lines = ["sell forty hindalco at market", "buy forty hindalco at market", "no sell"];
    expect(await answerOf(...lines, "sorry selling forty hindalco at market", "yes")).toBe("ACCEPTED");
    expect(await answerOf(...lines, "okay sir", "yes")).toBe("NONE");
  });

  it("a refusal right behind the yes, or another price beside it, makes it unclear", async () => {
    const lines = ["buy forty hindalco at six ninety", "forty hindalco at six ninety correct"];
    expect(await answerOf(...lines, "yes", "actually no")).toBe("UNCLEAR");
    expect(await answerOf(...lines, "yes", "hmm let me think")).toBe("UNCLEAR");
    expect(await answerOf(...lines, "yes at six fifty")).toBe("UNCLEAR");
    expect(await answerOf(...lines, "yes", "one moment sir")).toBe("ACCEPTED");
    expect(await answerOf(...lines, "yes", "anything else", "no")).toBe("ACCEPTED");
  });
});
