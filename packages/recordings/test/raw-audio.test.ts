/** Recordings without a header: their name and the settings say what they are, and nothing is guessed. */
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RAW_AUDIO_DEFAULTS, type RawAudioSettings } from "@cofi/recordings/raw-audio";
import { CALL, Folder, heard, level, likeness, refusalOf, SECONDS } from "./support.js";

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.create();
});
afterAll(() => folder.remove());

const settings = (some: Partial<RawAudioSettings>): { raw: RawAudioSettings } => ({
  raw: { ...RAW_AUDIO_DEFAULTS, ...some },
});

test("the rate and the channels are settings, and the response says what was assumed", async () => {
  const wide = await folder.encoded("wide.ul", "-f", "mulaw", "-ar", "16000");
  const assumed = await heard(wide);
  expect([assumed.seconds, assumed.sampleRate, assumed.lengthKnown]).toEqual([2 * SECONDS, 8_000, false]);
  expect(assumed.notes).toEqual([
    "The file has no header: by its name it was read as µ-law at 8000 Hz with one channel (COFI_RAW_AUDIO_RATE, COFI_RAW_AUDIO_CHANNELS).",
  ]);
  expect((await heard(wide, settings({ rate: 16_000 }))).seconds).toBe(SECONDS);
  const two = await folder.made(
    "two.al",
    "-i",
    CALL,
    "-t",
    String(SECONDS),
    "-af",
    "pan=stereo|c0=c0|c1=0*c0",
    "-f",
    "alaw",
  );
  const both = await heard(two, settings({ channels: 2 }));
  expect([both.seconds, both.channels]).toEqual([SECONDS, 2]);
  expect(both.notes[0]).toContain("with 2 channels");
  expect(
    (await heard(two, { channel: 1, ...settings({ channels: 2 }) })).samples.every(
      (sample) => Math.abs(sample) < 0.001,
    ),
  ).toBe(true);
});

test("a name that says nothing is refused aloud, or read as the setting says", async () => {
  const path = await folder.encoded("a.pcm", "-f", "mulaw");
  expect((await refusalOf(path)).message).toMatch(
    /^The file has no header that ffmpeg knows, and a name that ends in \.pcm does not say .* COFI_RAW_AUDIO_CODEC to one of mulaw, alaw/,
  );
  const { codec, seconds } = await heard(path, settings({ codec: "mulaw" }));
  expect([codec, seconds]).toEqual(["pcm_mulaw", SECONDS]);
});

test("a header counts for more than the name", async () => {
  const wav = await folder.encoded("real.wav", "-ar", "16000");
  for (const name of ["a.ul", "a.pcm", "a.g722", "a.raw", "a.vox", "a.g729"]) {
    const path = join(folder.path, name);
    await copyFile(wav, path);
    expect(await heard(path), name).toMatchObject({ codec: "pcm_s16le", sampleRate: 16_000, notes: [] });
  }
});

test("silence in A-law, which looks like GSM, is silence", async () => {
  const { samples, codec } = await heard(await folder.file("silence.al", Buffer.alloc(16_000, 0xd5)));
  expect([codec, samples.length]).toEqual(["pcm_alaw", 16_000]);
  expect(level(samples)).toBeLessThan(0.001);
});

test("Dialogic ADPCM", async () => {
  const call = await heard(await folder.encoded("call.wav"));
  const path = await folder.file("a.vox", dialogic(call.samples));
  const audio = await heard(path);
  expect([audio.codec, audio.seconds]).toEqual(["adpcm_ima_oki", SECONDS]);
  expect(likeness(audio.samples, call.samples)).toBeGreaterThan(0.95);
  expect((await heard(path, settings({ rate: 6_000 }))).seconds).toBeCloseTo((SECONDS * 8) / 6, 2);
});

test("a rate that the codec defines is not asked of the setting", async () => {
  const path = await folder.encoded("a.g722", "-f", "g722", "-ar", "16000");
  const { seconds, sampleRate, notes } = await heard(path, settings({ rate: 11_025 }));
  expect([seconds, sampleRate]).toEqual([SECONDS, 16_000]);
  expect(notes).toEqual(["The file has no header: by its name it was read as G.722 at 16000 Hz with one channel."]);
  expect((await readFile(path)).length).toBe(SECONDS * 8_000);
});

/** Dialogic ADPCM (OKI): 4 bits a sample, the first one in the upper half of a byte. */
function dialogic(samples: Float32Array): Buffer {
  const steps = Array.from({ length: 49 }, (_, i) => Math.floor(16 * 1.1 ** i));
  const moves = [-1, -1, -1, -1, 2, 4, 6, 8];
  const bytes = Buffer.alloc(samples.length / 2);
  let [value, index] = [0, 0];
  for (const [i, sample] of samples.entries()) {
    const step = steps[index]!;
    const difference = Math.round(sample * 2047) - value;
    const size = Math.min(7, Math.floor((Math.abs(difference) * 4) / step));
    const change = Math.floor(((2 * size + 1) * step) / 8);
    value = Math.max(-2048, Math.min(2047, value + (difference < 0 ? -change : change)));
    index = Math.max(0, Math.min(48, index + moves[size]!));
    const code = (difference < 0 ? 8 : 0) | size;
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | (i % 2 === 0 ? code << 4 : code);
  }
  return bytes;
}
