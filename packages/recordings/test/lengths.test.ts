/** Headers that say less, more or nothing of what a file holds: it is read whole, or refused, never shortened without a word. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Folder, heard, refusalOf, SECONDS } from "./support.js";

const run = promisify(execFile);
let folder: Folder;
let wav: Buffer;
beforeAll(async () => {
  folder = await Folder.create();
  wav = await readFile(await folder.encoded("call.wav", "-fflags", "+bitexact"));
});
afterAll(() => folder.remove());

const DATA_AT = 44;
const BYTES = SECONDS * 16_000;
const ALL_READ = /: all of it was read\.$|: all of the file was read\.$|: all of them were read\.$/;

function chunk(id: string, content: Buffer, size = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, "latin1");
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length & 1)]);
}

/** The call with a header that says these sizes, chunks before the sound, and bytes behind it. */
function wavWith({
  data = BYTES,
  riff,
  before = Buffer.alloc(0),
  behind = Buffer.alloc(0),
}: {
  data?: number;
  riff?: number;
  before?: Buffer;
  behind?: Buffer;
}): Buffer {
  const file = Buffer.concat([wav.subarray(0, 36), before, wav.subarray(36, DATA_AT + BYTES), behind]);
  file.writeUInt32LE(data, 40 + before.length);
  file.writeUInt32LE(riff ?? file.length - 8, 4);
  return file;
}

describe("WAV", () => {
  const list = chunk(
    "LIST",
    Buffer.concat([Buffer.from("INFOISFT"), Buffer.from([14, 0, 0, 0]), Buffer.alloc(14, "x")]),
  );

  test.each([
    ["as it is", {}],
    ["with metadata behind the sound", { behind: list }],
    ["with metadata of 300 KB before the sound", { before: chunk("LIST", Buffer.alloc(300_000)) }],
    [
      "with an ID3 chunk and one of a studio",
      { behind: Buffer.concat([chunk("id3 ", Buffer.alloc(2_001)), chunk("bext", Buffer.alloc(602))]) },
    ],
    ["with an ID3v1 tag behind it", { behind: Buffer.concat([Buffer.from("TAG"), Buffer.alloc(125)]) }],
    ["with an unknown chunk", { behind: chunk("zzzz", Buffer.alloc(5_000)) }],
    ["with a byte too many", { behind: Buffer.alloc(1) }],
  ])("%s: whole, without a word", async (name, parts) => {
    const audio = await heard(await folder.file(`${name}.wav`, wavWith(parts)));
    expect([audio.seconds, audio.notes, audio.lengthKnown]).toEqual([SECONDS, [], true]);
  });

  test.each([
    ["44 bytes too many", { data: BYTES + 44 }],
    ["44 bytes too many, and all of the file counted in", { data: BYTES + 44, riff: BYTES + 36 + 44 }],
    ["the size of the file", { data: BYTES + DATA_AT, riff: BYTES + DATA_AT }],
    [
      "the size of the file without its first chunk, behind much metadata",
      { data: BYTES + 36 + 50_008, before: chunk("LIST", Buffer.alloc(50_000)) },
    ],
    ["twice the size, in a file that is as long as it says", { data: 2 * BYTES, riff: BYTES + 36 }],
  ])("a header that says %s: whole, and it is said", async (name, parts) => {
    const audio = await heard(await folder.file(`${name}.wav`, wavWith(parts)));
    expect(audio.seconds).toBe(SECONDS);
    expect(audio.notes).toEqual([expect.stringMatching(/^The header announces \d+ bytes more than the file has/)]);
  });

  test.each([
    ["nothing", { data: 0, riff: 0 }],
    ["nothing, in a whole first chunk", { data: 0 }],
    ["the largest number", { data: 0xffff_ffff, riff: 0xffff_ffff }],
    ["the largest number with a sign", { data: 0x7fff_ffff, riff: 0x7fff_ffff }],
    ["2 GB less a header", { data: 0x7fff_ffff - 36, riff: 0x7fff_ffff }],
    ["4 GB less a header", { data: 0xffff_ffff - 36, riff: 0xffff_ffff }],
    ["a second", { data: 16_000, riff: 16_036 }],
    ["a second, and the first chunk all", { data: 16_000 }],
    ["a second, with metadata behind all", { data: 16_000, riff: 16_036, behind: list }],
    ["an odd number of bytes", { data: 16_001, riff: 16_037 }],
  ])("a header that says %s: all of it is read, and it is said", async (name, parts) => {
    const audio = await heard(await folder.file(`${name}.wav`, wavWith(parts)));
    expect(audio.seconds).toBeGreaterThanOrEqual(SECONDS);
    // Metadata behind sound of unknown length cannot be told from it.
    expect(audio.seconds).toBeLessThan(SECONDS + 0.01);
    expect([audio.notes, audio.lengthKnown]).toEqual([[expect.stringMatching(ALL_READ)], false]);
  });

  test.each([
    ["half of the sound", (file: Buffer) => file.subarray(0, DATA_AT + BYTES / 2)],
    [
      "half of the sound behind 100 KB of metadata",
      () => wavWith({ before: chunk("LIST", Buffer.alloc(100_000)) }).subarray(0, 100_052 + BYTES / 2),
    ],
    ["a third of it", (file: Buffer) => file.subarray(0, DATA_AT + BYTES / 3)],
    ["the last half second", (file: Buffer) => file.subarray(0, file.length - 8_000)],
    ["all of the sound", (file: Buffer) => file.subarray(0, DATA_AT)],
    [
      "the metadata before the sound",
      () => wavWith({ before: chunk("LIST", Buffer.alloc(100_000)) }).subarray(0, 50_000),
    ],
  ])("a file that lacks %s is refused", async (name, cut) => {
    const { kind, message } = await refusalOf(await folder.file(`${name}.wav`, cut(wav)));
    expect([kind, message]).toEqual(["sound", expect.stringMatching(/^The file was cut off: /)]);
  });

  test("a recording of nothing, with metadata behind it, has no sound", async () => {
    const empty = Buffer.concat([wav.subarray(0, DATA_AT), list]);
    empty.writeUInt32LE(0, 40);
    empty.writeUInt32LE(empty.length - 8, 4);
    expect((await refusalOf(await folder.file("empty.wav", empty))).message).toMatch(/^No sample could be decoded/);
  });

  test("metadata that was cut off is said, and the sound is whole", async () => {
    const cut = Buffer.concat([wavWith({}), list.subarray(0, 20)]);
    const audio = await heard(await folder.file("metadata.wav", cut));
    expect([audio.seconds, audio.notes]).toEqual([
      SECONDS,
      ["The metadata behind the sound (LIST) was cut off; the sound is whole."],
    ]);
  });

  test("RF64: the large sizes count", async () => {
    const rf64 = await readFile(await folder.encoded("large.wav", "-rf64", "always"));
    expect((await refusalOf(await folder.file("cut.wav", rf64.subarray(0, 60_000)))).message).toMatch(
      /cut off: its header announces \d+ bytes more/,
    );
    const size = rf64.indexOf("ds64") + 16;
    const short = Buffer.from(rf64);
    short.writeBigUInt64LE(16_000n, size);
    expect(await heard(await folder.file("short.wav", short))).toMatchObject({
      lengthKnown: false,
      notes: [expect.stringMatching(ALL_READ)],
    });
    const open = Buffer.from(rf64);
    open.writeBigUInt64LE(0n, size);
    const audio = await heard(await folder.file("open.wav", open));
    expect(audio.notes).toEqual([expect.stringMatching(ALL_READ)]);
    expect(Math.abs(audio.seconds - SECONDS)).toBeLessThan(0.01);
  });

  test("compressed sound in a WAV file is judged by how long it sounds", async () => {
    for (const codec of ["adpcm_ima_wav", "libgsm_ms", "libmp3lame"]) {
      const whole = await readFile(await folder.encoded(`${codec}.wav`, "-c:a", codec));
      expect(
        (await refusalOf(await folder.file("cut.wav", whole.subarray(0, whole.length * 0.9)))).message,
        codec,
      ).toContain("cut off");
      const { notes } = await heard(await folder.file("nearly.wav", whole.subarray(0, whole.length - 40)));
      expect(notes[0] ?? "The header announces", codec).toMatch(/^The header announces/);
    }
  });
});

test("a header of another format that says less: read on, or refused", async () => {
  const au = Buffer.from(await readFile(await folder.encoded("a.au")));
  au.writeUInt32BE(16_000, 8);
  expect(await heard(await folder.file("b.au", au))).toMatchObject({
    seconds: SECONDS,
    notes: [expect.stringMatching(ALL_READ)],
  });
  au.writeUInt32BE(0xffff_ffff, 8);
  expect(await heard(await folder.file("c.au", au))).toMatchObject({
    seconds: SECONDS,
    notes: [expect.stringMatching(ALL_READ)],
  });

  const flac = Buffer.from(await readFile(await folder.encoded("a.flac")));
  flac.writeUInt32BE(8_000, 22);
  expect(await heard(await folder.file("b.flac", flac))).toMatchObject({
    seconds: SECONDS,
    notes: [expect.stringMatching(ALL_READ)],
  });

  const mp3 = Buffer.from(await readFile(await folder.encoded("a.mp3")));
  mp3.writeUInt32BE(20, mp3.indexOf("Info") + 8);
  const longer = await heard(await folder.file("b.mp3", mp3));
  expect(longer.seconds).toBeGreaterThan(SECONDS - 0.05);
  expect(longer.notes[0]).toMatch(ALL_READ);

  const aiff = Buffer.from(await readFile(await folder.encoded("a.aiff")));
  aiff.writeUInt32BE(16_008, aiff.indexOf("SSND") + 4);
  const caf = Buffer.from(await readFile(await folder.encoded("a.caf")));
  caf.writeBigInt64BE(16_004n, caf.indexOf("data") + 4);
  const w64 = Buffer.from(await readFile(await folder.encoded("a.w64")));
  w64.writeBigUInt64LE(16_024n, w64.indexOf("data\xf3\xac", 0, "latin1") + 16);
  for (const [name, content] of Object.entries({ "b.aiff": aiff, "b.caf": caf, "b.w64": w64 }))
    expect((await refusalOf(await folder.file(name, content))).message, name).toMatch(
      /^From byte \d+ on, the file has nothing that its format knows/,
    );
});

test("what programs leave as a size that write to a pipe, or cannot return to the header: all of it is read", async () => {
  for (const [name, field, sizes] of [
    ["a.aiff", "SSND", [0x7f00_0008, 0x7fff_ffff, 0xffff_ffff]],
    ["a.au", ".snd\0\0\0\x20", [0, 0x7fff_ffff, 0xffff_ffff]],
    ["a.caf", "data", [-1n]],
    ["rf64.wav", "ds64", [0x7fff_ffff_ffff_ffffn]],
  ] as const) {
    const plain = await readFile(await folder.encoded(name, ...(name === "rf64.wav" ? ["-rf64", "always"] : [])));
    for (const size of sizes) {
      const file = Buffer.from(plain);
      const at = file.indexOf(field, 0, "latin1") + (name === "rf64.wav" ? 16 : field.length);
      if (typeof size === "number") file.writeUInt32BE(size, at);
      else if (name === "a.caf") file.writeBigInt64BE(size, at);
      else file.writeBigInt64LE(size, at);
      const audio = await heard(await folder.file(`b-${name}`, file));
      expect([name, audio.lengthKnown, audio.notes]).toEqual([name, false, [expect.stringMatching(ALL_READ)]]);
      expect(audio.seconds).toBeGreaterThanOrEqual(SECONDS);
      expect(audio.seconds).toBeLessThan(SECONDS + 0.2);
    }
  }
  const w64 = Buffer.from(await readFile(await folder.encoded("a.w64")));
  w64.writeBigUInt64LE(0x7fff_ffff_ffff_ffffn, w64.indexOf("data\xf3\xac", 0, "latin1") + 16);
  expect((await refusalOf(await folder.file("b.w64", w64))).message).toMatch(
    /ffmpeg reads no Wave64 file without that/,
  );
});

test("two recordings behind each other in a file: both are read, or it is refused", async () => {
  for (const [name, options] of [
    ["a.wav", []],
    ["a.m4a", []],
    ["a.wma", ["-ar", "16000"]],
    ["a.avi", ["-c:a", "pcm_s16le"]],
    ["a.flv", ["-c:a", "aac"]],
    ["a.tta", []],
    ["a.wv", []],
    ["a.mp3", []],
    ["a.opus", []],
    ["a.ogg", ["-c:a", "libvorbis"]],
    ["a.flac", []],
    ["a.mka", ["-c:a", "libopus"]],
    ["a.gsm", ["-c:a", "libgsm"]],
    ["a.aac", []],
  ] as const) {
    const one = await readFile(await folder.encoded(name, ...options));
    const path = await folder.file(`two-${name}`, Buffer.concat([one, one]));
    const outcome = await heard(path).catch((error: Error) => error);
    if (outcome instanceof Error)
      expect(outcome.message, name).toMatch(/^The file holds another recording behind the first one, from byte \d+ on/);
    else expect(outcome.seconds, name).toBeGreaterThan(2 * SECONDS - 0.3);
  }
});

test("sound that changes from two channels to one goes on, or the file is refused", async () => {
  const two = await readFile(await folder.encoded("two.ogg", "-ac", "2", "-c:a", "libvorbis"));
  const one = await readFile(await folder.encoded("one.ogg", "-ac", "1", "-c:a", "libvorbis"));
  const outcome = await heard(await folder.file("both.ogg", Buffer.concat([two, one]))).catch((error: Error) => error);
  if (outcome instanceof Error) expect(outcome.message).toMatch(/cut off or damaged/);
  else expect(outcome.seconds).toBeGreaterThan(2 * SECONDS - 0.3);
});

test("a file with gaps between its packets is whole", async () => {
  for (const name of ["gaps.ogg", "gaps.mka"]) {
    const whole = await folder.encoded(`whole-${name}`, "-c:a", "libopus");
    const later = "setts=ts=if(gt(PTS\\,TB*0+3/TB)\\,PTS+20/TB\\,PTS)";
    const path = await folder.made(name, "-i", whole, "-c", "copy", "-bsf:a", later);
    expect(await heard(path), name).toMatchObject({ notes: [], lengthKnown: true });
  }
});

test("damage in the middle is said, or the file is refused where much of it is lost", async () => {
  const path = await folder.encoded("whole.mp3", "-ar", "16000");
  const content = Buffer.from(await readFile(path));
  content.fill(0x5a, 8_000, 8_060);
  expect((await heard(await folder.file("scratched.mp3", content))).notes.join(" ")).toMatch(
    /ffmpeg complained|belong to no frame/,
  );
  await run("ffmpeg", [
    "-nostdin",
    "-v",
    "error",
    "-y",
    "-i",
    path,
    "-c",
    "copy",
    "-bsf:a",
    "noise=amount=40",
    `${path}.mp3`,
  ]);
  expect((await refusalOf(`${path}.mp3`)).message).toMatch(/^The file was cut off or damaged/);
});
