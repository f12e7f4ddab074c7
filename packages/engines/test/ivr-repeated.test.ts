/** A broker's own menu, which no library has: repeated in the recordings of a batch, and followed by a machine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallSegment } from "@cofi/engines/call-segment";
import { Random } from "@cofi/engines/random";
import { encodeWav } from "@cofi/engines/wav";
import { post, runningEngine, sample, sampleAudio, truthOf, upload } from "./support.js";

interface IvrAnswer {
  segments: CallSegment[];
  dtmf: string;
  trim: { start_s: number; end_s: number };
}

const RATE = 8000;
let menu: Float32Array;
let dealer: Float32Array;
let client: Float32Array;
let third: Float32Array;
let music: Float32Array;
let engine: Awaited<ReturnType<typeof runningEngine>>;
let batchId = 0;

beforeAll(async () => {
  engine = await runningEngine("ivr");
  menu = cut(await sampleAudio("languages/it_IT_f_Menardi_demo-congrats.wav"), 0, 11);
  dealer = await sampleAudio("batch/c04.wav");
  client = cut(await sampleAudio("batch/c06.wav"), (await truthOf("c06")).trim, 32);
  third = cut(await sampleAudio("languages/ru_RU_f_IvrvoiceRU_demo-congrats.wav"), 2, 20);
  const hold = (await truthOf("c03")).labels.find(({ type }) => type === "music");
  music = cut(await sampleAudio("batch/c03.wav"), hold?.start ?? 0, hold?.end ?? 0);
});
afterAll(() => engine.close());

/** The answers about the recordings of one batch, in the order in which they are asked about. */
async function answers(calls: Record<string, Float32Array | Buffer>, order = Object.keys(calls), isSameBatch = false) {
  if (!isSameBatch) batchId += 1;
  for (const [name, sound] of Object.entries(calls))
    await upload(engine.url, batchId, name, Buffer.isBuffer(sound) ? sound : encodeWav(sound, RATE));
  const found: Record<string, IvrAnswer> = {};
  for (const name of order)
    found[name] = (await post<IvrAnswer>(engine.url, "/v1/ivr", { batch_id: batchId, file_name: name })).body;
  return Object.fromEntries(
    Object.entries(found).map(([name, { segments, dtmf, trim }]) => [name, { segments, dtmf, trim }]),
  );
}

describe("what the recordings of a batch have in common", { timeout: 120_000 }, () => {
  it("is a menu where keys and ring tones follow, also where the caller cuts it short, in whatever order they are asked about", async () => {
    const calls = {
      "all of it": joined(pause(1), menu, pause(0.5), key("1"), pause(1), ring(), pause(0.5), dealer),
      "cut short": joined(pause(2.3), cut(menu, 0, 7), key("2"), pause(1), ring(), pause(0.5), client),
      "all of it, too": joined(pause(0.7), menu, pause(2), key("1"), pause(1), ring(), pause(0.5), third),
      "no menu": joined(pause(0.5), third, dealer),
      "no audio": await sample("batch/c11.wav"),
    };
    const names = ["all of it", "cut short", "no menu"];
    const found = await answers(calls, names);
    expect(prompts(found["all of it"]).at(0)?.start_s).toBeCloseTo(1, 0);
    expect(prompts(found["all of it"]).at(-1)?.end_s).toBeCloseTo(12, 0);
    // To the end of the ring tone.
    expect(found["all of it"]?.trim.start_s).toBeCloseTo(1 + 11 + 0.5 + 0.2 + 1 + 2, 0);
    expect(found["cut short"]?.trim.start_s).toBeCloseTo(2.3 + 7 + 0.2 + 1 + 2, 0);
    expect([found["all of it"]?.dtmf, found["cut short"]?.dtmf]).toEqual(["1", "2"]);
    expect(found["no menu"]).toMatchObject({ segments: [], trim: { start_s: 0 } });
    expect(await answers(calls, names.toReversed())).toEqual(found);
  });

  it("is a menu where hold music follows", async () => {
    const found = await answers({
      a: joined(menu, pause(0.3), music, pause(0.3), dealer),
      b: joined(pause(1.7), menu, pause(0.3), music, pause(0.3), client),
    });
    for (const [name, before] of [
      ["a", 0],
      ["b", 1.7],
    ] as const)
      expect(found[name]?.trim.start_s).toBeGreaterThan(before + 11 + music.length / RATE - 1);
  });

  it("is learnt anew where other recordings have come in the place of these", async () => {
    const before = await answers({ a: joined(pause(1), dealer), b: joined(pause(1), third) });
    expect(Object.values(before).flatMap(prompts)).toEqual([]);
    const after = {
      a: joined(menu, key("1"), pause(1), dealer),
      b: joined(pause(1), menu, key("2"), pause(1), client),
    };
    const found = await answers(after, ["a", "b"], true);
    for (const answer of Object.values(found)) expect(prompts(answer).length).toBeGreaterThan(0);
  });

  it("is a greeting where people talk right behind it", async () => {
    const found = await answers({
      a: joined(pause(1), cut(menu, 0, 5), pause(0.5), dealer),
      b: joined(pause(2), cut(menu, 0, 5), pause(0.5), client),
    });
    for (const { segments, trim } of Object.values(found))
      expect({ segments, trim }).toMatchObject({ segments: [], trim: { start_s: 0 } });
  });

  it("is the call itself where that was recorded twice", async () => {
    const random = new Random(1);
    const call = joined(pause(1), dealer, pause(0.5), music, pause(0.5), third);
    const again = joined(pause(1.4), call).map((value) => value + 0.002 * (random.next() - 0.5));
    const found = await answers({ a: call, b: again });
    for (const answer of Object.values(found)) {
      expect(prompts(answer)).toEqual([]);
      expect(answer.trim.start_s).toBe(0);
    }
  });

  it("is nothing where people who are put on hold spoke of something else", async () => {
    const found = await answers({
      a: joined(pause(1), dealer, pause(0.5), music, pause(0.5), client),
      b: joined(pause(1), third, pause(0.5), music, pause(0.5), dealer),
    });
    for (const answer of Object.values(found)) expect(answer.trim.start_s).toBe(0);
  });
});

function prompts(answer: IvrAnswer | undefined): CallSegment[] {
  return answer?.segments.filter(({ type }) => type === "prompt") ?? [];
}

function cut(samples: Float32Array, fromS: number, toS: number): Float32Array {
  return samples.slice(Math.round(fromS * RATE), Math.round(toS * RATE));
}

function pause(seconds: number): Float32Array {
  return new Float32Array(Math.round(seconds * RATE));
}

function tone(frequencies: readonly number[], seconds: number): Float32Array {
  return pause(seconds).map((_, i) =>
    frequencies.reduce((sum, frequency) => sum + 0.1 * Math.sin((2 * Math.PI * frequency * i) / RATE), 0),
  );
}

function key(digit: "1" | "2"): Float32Array {
  return tone([697, digit === "1" ? 1209 : 1336], 0.2);
}

function ring(): Float32Array {
  return tone([400, 450], 2);
}

function joined(...pieces: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}
