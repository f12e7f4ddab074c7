/** Everybody is heard who is heard in one of the channels or tracks of a recording. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Folder, heard, level, likeness, RATE, samplePath, voice, wavOf } from "./support.js";

let folder: Folder;
/** Two people of different calls, each 6 s long. */
let anna: Float32Array;
let ben: Float32Array;
/** They speak in turn: Anna for 6 s, then Ben, then Anna, then Ben. */
let annas: Float32Array;
let bens: Float32Array;
const TURN_S = 6;
const ANNA = [0, 12] as const;
const BEN = [6, 18] as const;

beforeAll(async () => {
  folder = await Folder.create();
  anna = await voice("batch/c04.wav", 6, TURN_S);
  ben = await voice("batch/c05.opus", 30, TURN_S);
  annas = turns(anna, ANNA);
  bens = turns(ben, BEN);
});
afterAll(() => folder.remove());

function turns(speech: Float32Array, starts: readonly number[]): Float32Array {
  const all = new Float32Array(4 * TURN_S * RATE);
  for (const start of starts) all.set(speech, start * RATE);
  return all;
}

function mapped(a: Float32Array, b: Float32Array, of: (x: number, y: number) => number): Float32Array {
  return a.map((x, i) => of(x, b[i] ?? 0));
}

/** How much of each turn is in a mix, and its level beside the voice's own; the worst of all turns. */
function kept(mix: Float32Array): { likeness: number; level: number } {
  const all = [...ANNA.map((start) => ({ start, own: annas })), ...BEN.map((start) => ({ start, own: bens }))].map(
    ({ start, own }) => ({
      likeness: likeness(mix, own, start, start + TURN_S),
      level: level(mix, start, start + TURN_S) / level(own, start, start + TURN_S),
    }),
  );
  return { likeness: Math.min(...all.map((one) => one.likeness)), level: Math.min(...all.map((one) => one.level)) };
}

async function mixOf(name: string, ...channels: Float32Array[]) {
  return heard(await folder.file(name, wavOf(channels)));
}

test("like channels are one of them, at its level", async () => {
  const both = mapped(annas, bens, (a, b) => a + b);
  for (const count of [2, 3, 6]) {
    const { samples, channels, notes } = await mixOf(`like-${count}.wav`, ...Array.from({ length: count }, () => both));
    expect([channels, notes]).toEqual([count, []]);
    expect(Math.max(...samples.map((sample, i) => Math.abs(sample - (both[i] ?? 0))))).toBeLessThan(1e-6);
  }
});

test("a channel for each party: both at the level of their own", async () => {
  const { samples, notes } = await mixOf("parties.wav", annas, bens);
  expect(notes).toEqual([]);
  expect(kept(samples).likeness).toBeGreaterThan(0.999);
  expect(kept(samples).level).toBeGreaterThan(0.99);
  const left = await mixOf("left.wav", annas, new Float32Array(annas.length));
  expect(level(left.samples) / level(annas)).toBeCloseTo(1, 3);
});

test("both at once: neither is lost", async () => {
  const [a, b] = [turns(anna, [0, 6, 12, 18]), turns(ben, [0, 6, 12, 18])];
  const { samples } = await mixOf("at-once.wav", a, b);
  // What is left of the mix without the other one is the one.
  expect(
    likeness(
      samples,
      mapped(a, b, (x, y) => x + y),
    ),
  ).toBeGreaterThan(0.98);
});

test.each([
  ["the same in opposite phase", (a: number, b: number) => [a + b, -(a + b)]],
  [
    "in opposite phase with a constant offset of the recorder in both",
    (a: number, b: number) => [a + b + 0.2, -(a + b) + 0.2],
  ],
  ["one softer and in opposite phase", (a: number, b: number) => [a + b, -0.7 * (a + b)]],
  ["sum and difference, as a hybrid gives them", (a: number, b: number) => [a + b, a - b]],
  ["the far end in opposite phase in the near channel", (a: number, b: number) => [a - 0.8 * b, b]],
])("%s: nothing is lost", async (name, channelsOf) => {
  const [left, right] = [0, 1].map((place) => mapped(annas, bens, (a, b) => channelsOf(a, b)[place]!)) as [
    Float32Array,
    Float32Array,
  ];
  const { samples } = await mixOf(`${name}.wav`, left, right);
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const { likeness: like, level: loud } = kept(samples.map((sample) => sample - mean));
  expect(like).toBeGreaterThan(0.98);
  expect(loud).toBeGreaterThan(0.9);
});

test.each([
  ["quad", 4],
  ["4.0", 4],
  ["5.1", 6],
  ["5.1(side)", 6],
  ["7.1", 8],
  ["3.0", 3],
])("each channel of %s is heard, whoever stands where", async (layout, count) => {
  for (let only = 0; only < count; only++) {
    const channels = Array.from({ length: count }, (_, channel) =>
      channel === only ? anna : new Float32Array(anna.length),
    );
    const plain = await folder.file("plain.wav", wavOf(channels));
    const placed = `channelmap=map=${channels.map((_, channel) => channel).join("|")}:channel_layout=${layout}`;
    const { samples, channels: found } = await heard(
      await folder.made("placed.wav", "-i", plain, "-af", placed, "-c:a", "pcm_f32le"),
    );
    expect([found, level(samples) / level(anna)]).toEqual([count, expect.closeTo(1, 2)]);
    expect(level((await heard(plain)).samples) / level(anna)).toBeCloseTo(1, 2);
  }
});

test("opposite phase with hum in phase: the voice counts, not the hum", async () => {
  const hum = annas.map((_, i) => 0.3 * Math.sin((2 * Math.PI * 50 * i) / RATE));
  const both = mapped(annas, bens, (a, b) => a + b);
  const { samples } = await mixOf(
    "hum.wav",
    mapped(both, hum, (v, h) => v + h),
    mapped(both, hum, (v, h) => h - v),
  );
  // Twice the differences of neighbours have no hum to speak of.
  const sharp = (one: Float32Array): Float32Array =>
    one.map((sample, i) => sample - 2 * (one[i - 1] ?? 0) + (one[i - 2] ?? 0));
  expect(likeness(sharp(samples), sharp(both))).toBeGreaterThan(0.97);
  expect(level(sharp(samples)) / level(sharp(both))).toBeGreaterThan(0.9);
});

test("opposite phase is said, and how long", async () => {
  const both = mapped(annas, bens, (a, b) => a + b);
  const { notes } = await mixOf(
    "said.wav",
    both,
    both.map((sample) => -sample),
  );
  expect(notes).toEqual([
    expect.stringMatching(/^The channels are in opposite phase for 2[34]\.\d s and would cancel each other/),
  ]);
});

test("a track for each party: both are heard, at their times, and it is said", async () => {
  const [first, second] = await Promise.all([
    folder.file("anna.wav", wavOf([annas])),
    folder.file("ben.wav", wavOf([bens.slice(0, 15 * RATE)])),
  ]);
  for (const [name, codec] of [
    ["two.mkv", "pcm_s16le"],
    ["two.mp4", "aac"],
    ["two.avi", "pcm_mulaw"],
    ["two.ts", "mp2"],
    ["two.mov", "pcm_s16le"],
  ] as const) {
    const rate = codec === "mp2" || codec === "aac" ? ["-ar", "16000"] : [];
    const path = await folder.made(
      name,
      "-i",
      first,
      "-i",
      second,
      "-map",
      "0:a",
      "-map",
      "1:a",
      "-c:a",
      codec,
      ...rate,
    );
    const { samples, tracks, channels, notes } = await heard(path);
    expect([name, tracks, channels, notes[0]]).toEqual([name, 2, 2, expect.stringContaining("2 tracks of sound")]);
    expect(Math.abs(samples.length / RATE - 4 * TURN_S), name).toBeLessThan(0.3);
    expect(level(samples, 0, 6) / level(annas, 0, 6), name).toBeGreaterThan(0.8);
    expect(level(samples, 6, 12) / level(bens, 6, 12), name).toBeGreaterThan(0.8);
  }
  const path = await folder.made(
    "late.mkv",
    "-i",
    first,
    "-itsoffset",
    "3",
    "-i",
    second,
    "-map",
    "0:a",
    "-map",
    "1:a",
    "-c:a",
    "pcm_s16le",
  );
  const late = await heard(path, { channel: 1 });
  expect(likeness(late.samples.slice(3 * RATE), bens, 6, 11)).toBeGreaterThan(0.999);
});

test("each channel alone, of one track or of several, all of the same length", async () => {
  const stereo = await folder.file("stereo.wav", wavOf([annas, bens]));
  const mono = await folder.file("mono.wav", wavOf([anna]));
  const three = await folder.file("three.wav", wavOf([anna, annas, bens]));
  const mixed = await folder.made(
    "mixed.mkv",
    "-i",
    mono,
    "-i",
    stereo,
    "-map",
    "0:a",
    "-map",
    "1:a",
    "-c:a",
    "pcm_f32le",
  );
  for (const [path, channel, own, seconds] of [
    [stereo, 0, annas, 24],
    [stereo, 1, bens, 24],
    [three, 0, anna, 6],
    [three, 1, annas, 24],
    [three, 2, bens, 24],
    [mixed, 0, anna, 6],
    [mixed, 1, annas, 24],
    [mixed, 2, bens, 24],
  ] as const) {
    const { samples, channels } = await heard(path, { channel });
    expect([path, channel, channels]).toEqual([path, channel, path === stereo ? 2 : 3]);
    expect(Math.abs(samples.length / RATE - 24)).toBeLessThan(0.05);
    expect(likeness(samples, own, 0, seconds)).toBeGreaterThan(0.999);
    expect(level(samples) / (level(own) * Math.sqrt(seconds / 24))).toBeCloseTo(1, 1);
  }
  await expect(heard(stereo, { channel: 2 })).rejects.toThrow("There is no channel 2: the recording has 2.");
});

test("a mono recording is passed on as it is, with its own length", async () => {
  const { samples, channels, tracks, notes, lengthKnown } = await heard(samplePath("batch/c04.wav"));
  expect([channels, tracks, notes, lengthKnown, samples.length]).toEqual([1, 1, [], true, 149_406]);
});
