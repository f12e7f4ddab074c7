/** A recording that was cut off anywhere: it is refused, or the cut is said, or the format cannot know and that is said, or all of it is there. */
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import { TOLD, UNTOLD } from "./containers.js";
import { Folder, heard, refusalOf } from "./support.js";

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

test("not a sample is missing without a word: RealMedia that lacks a packet, FLAC that lacks a frame", async () => {
  const [rm, flac] = [whole.get("a.rm")!.content, whole.get("a.flac")!.content];
  expect((await refusalOf(await folder.file("cut.rm", rm.subarray(0, rm.length - 588)))).message).toMatch(
    /^The file was cut off: its header announces 588 bytes more than it has/,
  );
  const { seconds, notes } = await heard(await folder.file("cut.flac", flac.subarray(0, flac.length - 90)));
  expect(seconds).toBeLessThan(whole.get("a.flac")!.seconds);
  expect(notes.join(" ")).toMatch(/The file declares 8\.000 s, and 7\.9\d\d s were decoded\./);
});
