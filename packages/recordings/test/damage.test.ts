/** What may happen to a whole file on its way: bytes behind its end, in front of it, and lost within it. Nothing is lost without a word. */
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import { TOLD, UNTOLD } from "./containers.js";
import { Folder, heard, refusalOf, SECONDS } from "./support.js";

let folder: Folder;
const whole = new Map<string, { content: Buffer; seconds: number }>();
beforeAll(async () => {
  folder = await Folder.create();
  for (const [name, options] of [...TOLD, ...UNTOLD]) {
    const path = await folder.encoded(name, ...options);
    whole.set(name, { content: await readFile(path), seconds: (await heard(path)).seconds });
  }
});
afterAll(() => folder.remove());

const NOISE = Buffer.from(Array.from({ length: 20_000 }, (_, i) => ((i * 2_654_435_761) >>> 13) & 255));
/** A syllable: what one damaged packet of a lossy codec takes with it, of which not every decoder complains. */
const SYLLABLE_S = 0.25;

type Change = (content: Buffer) => Buffer;
const CHANGES: Readonly<Record<string, Change>> = {
  "ten zeros behind it": (content) => Buffer.concat([content, Buffer.alloc(10)]),
  "100,000 zeros behind it": (content) => Buffer.concat([content, Buffer.alloc(100_000)]),
  "noise behind it": (content) => Buffer.concat([content, NOISE]),
  "text behind it": (content) => Buffer.concat([content, Buffer.from("\r\n--boundary--\r\n")]),
  "an ID3v1 tag behind it": (content) => Buffer.concat([content, Buffer.from("TAG"), Buffer.alloc(125, 32)]),
  "a line in front of it": (content) => Buffer.concat([Buffer.from("\r\n"), content]),
  "zeros in its middle": (content) => {
    const { length } = content;
    return Buffer.from(content).fill(0, length >> 1, (length >> 1) + Math.min(2_000, length >> 3));
  },
  "an eighth lost in its middle": (content) => {
    const { length } = content;
    return Buffer.concat([content.subarray(0, length >> 1), content.subarray((length >> 1) + (length >> 3))]);
  },
  "zeros in its second half": (content) => Buffer.from(content).fill(0, content.length >> 1),
};

/** What becomes of a file that was changed: without its samples, which would fill the report of a failure. */
async function changed(name: string, change: string) {
  const path = await folder.file(`changed-${name}`, CHANGES[change]!(whole.get(name)!.content));
  try {
    const { notes, lengthKnown, seconds } = await heard(path);
    return { refusal: null, notes, lengthKnown, seconds };
  } catch (error) {
    if (!(error instanceof UnreadableRecording)) throw error;
    return { refusal: error.message, notes: [], lengthKnown: false, seconds: 0 };
  }
}

test("nothing of a format that says where it ends is lost without a word", async () => {
  const names = fc.constantFrom(...TOLD.map(([name]) => name));
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...Object.keys(CHANGES)), async (name, change) => {
      const { refusal, notes, lengthKnown, seconds } = await changed(name, change);
      if (refusal !== null) return;
      const lost = whole.get(name)!.seconds - seconds;
      if (notes.length === 0) expect(lost).toBeLessThan(SYLLABLE_S);
      else if (lengthKnown) expect(lost).toBeLessThan(0.7);
    }),
    { numRuns: 100 },
  );
});

test("no file of frames that was changed is taken for one that says where it ends", async () => {
  const names = fc.constantFrom(...UNTOLD.map(([name]) => name));
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...Object.keys(CHANGES)), async (name, change) => {
      expect((await changed(name, change)).lengthKnown).toBe(false);
    }),
    { numRuns: 50 },
  );
});

const ZEROS = /^The \d+ bytes at the end of the file are zeros, and were not read\.$/;
const UNKNOWN = /^From byte \d+ on, the file has nothing that its format knows/;

test.each(["a.aiff", "a.caf", "opus.caf", "a.tta", "a.wv", "a.wma"])(
  "zeros behind %s are said, and it is whole; anything else there is refused",
  async (name) => {
    for (const change of ["ten zeros behind it", "100,000 zeros behind it"]) {
      const { refusal, notes, seconds } = await changed(name, change);
      expect([change, refusal, seconds]).toEqual([change, null, whole.get(name)!.seconds]);
      expect(notes[0]).toMatch(ZEROS);
    }
    expect((await changed(name, "noise behind it")).refusal).toMatch(UNKNOWN);
  },
);

test.each([
  ["a.voc", "100,000 zeros behind it"],
  ["a.avi", "zeros in its second half"],
  ["a.avi", "zeros in its middle"],
  ["a.rm", "zeros in its second half"],
  ["a.rm", "zeros in its middle"],
  ["parts.mp4", "noise behind it"],
  ["parts.mp4", "an eighth lost in its middle"],
])("%s with %s is refused", async (name, change) => {
  expect((await changed(name, change)).refusal).toMatch(UNKNOWN);
});

test("pages of Ogg that were damaged are missed, though its last one is there", async () => {
  for (const name of ["a.ogg", "a.spx"])
    expect((await changed(name, "an eighth lost in its middle")).refusal, name).toMatch(
      /^The file was cut off or damaged: it declares \d\.\d s/,
    );
});

test("bytes of an MPEG program stream that belong to no packet are said", async () => {
  expect((await changed("a.mpg", "noise behind it")).notes).toEqual([
    "20000 bytes of the file belong to no frame of sound, and were passed over.",
  ]);
});

test("an MP3 file that ends within what its encoder says of it has no crash to show", async () => {
  const { content } = whole.get("a.mp3")!;
  const start = content.indexOf("Info", 0, "latin1");
  for (const end of [start, start + 4, start + 8, start + 12])
    expect(await refusalOf(await folder.file("short.mp3", content.subarray(0, end)))).toBeInstanceOf(
      UnreadableRecording,
    );
});

test("a chunk of AIFF that is called ID3 is no tag without it", async () => {
  const path = await folder.encoded("id3.aiff", "-write_id3v2", "1", "-metadata", "title=abc");
  expect(await heard(path)).toMatchObject({ notes: [], lengthKnown: true, seconds: SECONDS });
});
