/** A recording that was cut off anywhere: it is refused, or the cut is said, or the format cannot know and that is said, or all of it is there. */
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import { Folder, heard } from "./support.js";

/** Formats that say where they end: a cut is refused or said, wherever it is. */
const TOLD: readonly [name: string, options: string[]][] = [
  ["a.wav", []],
  ["ulaw.wav", ["-c:a", "pcm_mulaw"]],
  ["gsm.wav", ["-c:a", "libgsm_ms"]],
  ["rf64.wav", ["-rf64", "always"]],
  ["tagged.wav", ["-metadata", `title=${"t".repeat(60_000)}`]],
  ["a.w64", []],
  ["a.aiff", []],
  ["a.caf", []],
  ["opus.caf", ["-c:a", "libopus"]],
  ["a.au", []],
  ["a.sox", ["-c:a", "pcm_s32le"]],
  ["a.voc", []],
  ["a.flac", []],
  ["a.tta", []],
  ["a.wv", []],
  ["a.mp3", []],
  ["vbr.mp3", ["-q:a", "5", "-ar", "16000", "-metadata", `title=${"t".repeat(20_000)}`]],
  ["id3v1.mp3", ["-write_id3v1", "1", "-metadata", "title=t"]],
  ["a.m4a", []],
  ["fast.m4a", ["-movflags", "faststart"]],
  ["alac.m4a", ["-c:a", "alac"]],
  ["a.mov", ["-c:a", "pcm_s16le"]],
  ["a.3gp", ["-c:a", "aac"]],
  ["a.mka", ["-c:a", "libopus"]],
  ["a.webm", []],
  ["a.wma", ["-ar", "16000"]],
  ["a.avi", ["-c:a", "pcm_s16le"]],
  ["a.opus", []],
  ["a.ogg", ["-c:a", "libvorbis"]],
  ["a.spx", ["-c:a", "libspeex"]],
  ["a.rm", ["-c:a", "ac3", "-ar", "32000"]],
];

/** Formats of frames, which go on until the file ends. */
const UNTOLD: readonly [name: string, options: string[]][] = [
  ["a.aac", []],
  ["a.latm", ["-c:a", "aac", "-f", "latm"]],
  ["old.mp3", ["-write_xing", "0"]],
  ["a.gsm", ["-c:a", "libgsm"]],
  ["a.ac3", ["-ar", "32000"]],
  ["a.dts", ["-c:a", "dca", "-strict", "-2", "-ar", "32000"]],
  ["a.thd", ["-c:a", "truehd", "-strict", "-2", "-ar", "48000"]],
  ["a.sbc", ["-ar", "16000"]],
  ["a.ul", ["-f", "mulaw"]],
  ["a.g722", ["-f", "g722", "-ar", "16000"]],
  ["a.ts", ["-c:a", "mp2", "-ar", "16000", "-f", "mpegts"]],
  ["a.mpg", ["-c:a", "mp2", "-ar", "32000"]],
  ["a.flv", ["-c:a", "libspeex", "-ar", "16000"]],
  ["live.mkv", ["-c:a", "libopus", "-live", "1"]],
  ["parts.mp4", ["-movflags", "frag_keyframe+empty_moov+default_base_moof+skip_trailer", "-frag_duration", "500000"]],
];

let folder: Folder;
const whole = new Map<string, { content: Buffer; seconds: number }>();
beforeAll(async () => {
  folder = await Folder.create();
  for (const [name, options] of [...TOLD, ...UNTOLD]) {
    const path = await folder.encoded(name, ...options);
    const { seconds, notes, lengthKnown } = await heard(path);
    expect([name, lengthKnown]).toEqual([name, TOLD.some(([told]) => told === name)]);
    if (!/\.(ul|g722)$/.test(name)) expect([name, notes]).toEqual([name, []]);
    whole.set(name, { content: await readFile(path), seconds });
  }
});
afterAll(() => folder.remove());

/** Somewhere in the file, and more often near its ends. */
const places = fc.oneof(
  fc.double({ min: 0.001, max: 0.999, noNaN: true }).map((share) => (length: number) => Math.floor(length * share)),
  fc.integer({ min: 1, max: 600 }).map((left) => (length: number) => Math.max(1, length - left)),
  fc.integer({ min: 1, max: 600 }).map((bytes) => (length: number) => Math.min(bytes, length - 1)),
);
const A_SAMPLE_S = 0.001;

async function cutAt(name: string, place: (length: number) => number) {
  const { content, seconds } = whole.get(name)!;
  const path = await folder.file(`cut-${name}`, content.subarray(0, place(content.length)));
  const audio = await heard(path).catch((error: unknown) => error);
  if (audio instanceof Error && !(audio instanceof UnreadableRecording)) throw audio;
  return { audio: audio instanceof Error ? null : (audio as Awaited<ReturnType<typeof heard>>), seconds };
}

test("a format that says where it ends: what is missing is refused or said", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...TOLD.map(([name]) => name)), places, async (name, place) => {
      const { audio, seconds } = await cutAt(name, place);
      if (audio === null || audio.seconds >= seconds - A_SAMPLE_S) return;
      expect(audio.notes).not.toEqual([]);
      // What is tolerated is no more than a syllable.
      expect(seconds - audio.seconds).toBeLessThan(0.5);
    }),
    { numRuns: 100 },
  );
});

test("a format of frames: a cut within a frame is said, and what is heard is no more than what is there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...UNTOLD.map(([name]) => name)), places, async (name, place) => {
      const { audio, seconds } = await cutAt(name, place);
      if (audio === null) return;
      expect(audio.lengthKnown).toBe(false);
      expect(audio.seconds).toBeLessThan(seconds + 0.1);
    }),
    { numRuns: 50 },
  );
  for (const name of ["a.aac", "old.mp3", "a.gsm", "a.ac3", "a.dts", "a.latm"]) {
    const { audio } = await cutAt(name, (length) => length - 5);
    expect(audio?.notes.join(" "), name).toMatch(/The last frame lacks \d+ bytes: the file may have been cut off\./);
  }
});

test("AMR and AMR-WB, whose frames say their lengths", async () => {
  for (const [magic, frame] of [
    ["#!AMR\n", Buffer.concat([Buffer.from([0x3c]), Buffer.alloc(31, 0x55)])],
    ["#!AMR-WB\n", Buffer.concat([Buffer.from([0x44]), Buffer.alloc(60, 0x55)])],
  ] as const) {
    const content = Buffer.concat([Buffer.from(magic), ...Array.from({ length: 100 }, () => frame)]);
    const all = await heard(await folder.file("a.amr", content));
    expect([Math.round(all.seconds * 10), all.lengthKnown]).toEqual([20, false]);
    expect(all.notes.filter((note) => note.includes("frame"))).toEqual([]);
    const cut = await heard(await folder.file("cut.amr", content.subarray(0, content.length - 10)));
    expect(cut.notes.join(" ")).toContain("The last frame lacks 10 bytes");
  }
});
