/** What llm1 makes of the words of a batch: its symbols, its clients' codes, and numbers that may mean two values. */
import { describe, expect, it } from "vitest";
import { segmentsOf, type Extraction } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { engine, extractFrom } = useExtraction();

type Symbols = { symbol: string; names: string[] }[];

async function extract(symbols: Symbols, ...lines: string[]): Promise<Extraction> {
  const transcript = { segments: segmentsOf(lines) };
  const response = await engine().post({ call_id: "C1", language: "en", transcript, vocabulary: { symbols } });
  expect(response.status).toBe(200);
  return (await response.json()) as Extraction;
}

const symbolsIn = ({ trades }: Extraction): (string | null)[] => trades.map(({ symbol }) => symbol);

describe("the vocabulary of the batch", () => {
  it("adds symbols by their names, whole and short", async () => {
    const symbols = [{ symbol: "PIDILITIND", names: ["pidilite industries", "pidilite"] }];
    const found = await extract(
      symbols,
      "sell forty pidilite at three thousand",
      "forty pidilite industries sell at three thousand",
    );
    expect(symbolsIn(found)).toEqual(["PIDILITIND"]);
    expect(found.unknown_symbols).toEqual([]);
  });

  it("goes before the spelling of the engine's own table", async () => {
    const symbols = [{ symbol: "TATA MOTORS LTD", names: ["tata motors"] }];
    expect(symbolsIn(await extract(symbols, "buy ten tata motors at seven hundred"))).toEqual(["TATA MOTORS LTD"]);
    expect(symbolsIn(await extract([{ symbol: "M&M", names: [] }], "buy ten mahindra at three thousand"))).toEqual([
      "M&M",
    ]);
  });

  it("names what cannot be known, which may be heard by the symbol itself", async () => {
    const symbols = [
      { symbol: "PARAS", names: [] },
      { symbol: "INFY", names: [] },
    ];
    const found = await extract(symbols, "buy ten paras at one thousand", "ten paras at one thousand okay", "yes");
    expect(symbolsIn(found)).toEqual(["PARAS"]);
    expect(found.unknown_symbols).toEqual(["PARAS"]);
  });

  it("knows a symbol that is a word where it is counted", async () => {
    const idea = [{ symbol: "IDEA", names: ["vodafone idea"] }];
    const found = await extract(idea, "buy five hundred idea at eight and eight hundred yes bank at twenty one");
    expect(symbolsIn(found)).toEqual(["IDEA", "YESBANK"]);
  });

  it("does not make words of symbols", async () => {
    const found = await extract(
      [{ symbol: "IDEA", names: [] }],
      "i have an idea buy hundred tickets at ten",
      "good idea",
    );
    expect(symbolsIn(found)).toEqual([]);
  });
});

it("an order for a share that was not understood is kept, with a confidence that proves nothing", async () => {
  const found = await extract(
    [],
    "buy one hundred of the new defence company at market",
    "hundred at market confirm",
    "yes",
  );
  expect(found.trades).toMatchObject([{ symbol: null, quantity: 100, confidence: 0.3 }]);
});

describe("client codes", () => {
  const codes = async (...lines: string[]) => {
    const { client_identity, trades } = await extractFrom(segmentsOf(lines));
    return [client_identity.code, ...trades.map(({ client_code }) => client_code)];
  };

  it("are heard wherever they are spelt, also without a word that announces them", async () => {
    expect(await codes("v k two zero eight one here sell forty cipla at market")).toEqual(["VK2081", "VK2081"]);
    expect(await codes("hello VK2081 sell forty cipla at market")).toEqual(["VK2081", "VK2081"]);
    expect(await codes("buy fifty i t c at four one zero")).toEqual([null, null]);
    expect(await codes("buy a one two three shares")).toEqual([null]);
  });

  it("belong to the orders that they are named with", async () => {
    expect(
      await codes(
        "my code v k two zero eight one buy forty cipla at market",
        "forty cipla at market for v k two zero eight one",
        "yes and in my father's account n r nine nine four two sell ten titan at market",
        "ten titan sell at market for n r nine nine four two",
        "yes",
      ),
    ).toEqual(["VK2081", "VK2081", "NR9942"]);
  });

  it("come with the name before them", async () => {
    const { client_identity } = await extractFrom(segmentsOf(["hello leela nair l n five five zero three"]));
    expect(client_identity).toEqual({ name: "Leela Nair", code: "LN5503" });
  });
});

describe("numbers", () => {
  const readings = async (...lines: string[]) => {
    const [trade] = (await extractFrom(segmentsOf(lines))).trades;
    return [trade?.price, trade?.price_readings, trade?.quantity, trade?.quantity_readings];
  };

  it("have all their readings until a mention decides", async () => {
    const order = "buy one hundred hindalco at six ninety";
    expect(await readings(order)).toEqual([690, [690, 6.9], 100, []]);
    expect(await readings(order, "one hundred hindalco at six hundred ninety")).toEqual([690, [], 100, []]);
    expect(await readings(order, "one hundred hindalco at six rupees ninety paise")).toEqual([6.9, [], 100, []]);
  });

  it("that nobody corrected may both be right", async () => {
    expect((await readings("buy three hundred hindalco at market", "two hundred hindalco at market okay"))[3]).toEqual([
      200, 300,
    ]);
  });

  it("of a correction are settled by the next repetition", async () => {
    const lines = [
      "sell six hundred ntpc at three fifty",
      "six hundred ntpc at three fifty okay",
      "no make it four hundred",
    ];
    expect((await readings(...lines, "four hundred ntpc at three fifty"))[2]).toBe(400);
    expect((await readings(...lines, "six hundred ntpc at four hundred"))[0]).toBe(400);
  });
});
