/** Parts of recordings: where they are cut, and what becomes of it when ffmpeg, or the machine, misbehaves. */
import { execFile } from "node:child_process";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { piecesOf, type Span } from "@cofi/pipeline/audio-pieces";
import { RAW_AUDIO_DEFAULTS } from "@cofi/recordings/raw-audio";
import { cutAudio, type CutAudio } from "@cofi/pipeline/recording-audio";
import { batchWith, folderWith } from "./batch-files.js";
import { refusalOf } from "./openai-bench.js";
import { wavFile } from "./wav-file.js";

const run = promisify(execFile);
const never = new AbortController().signal;
const WAV_HEADER = 44;
const BYTES_A_SECOND = 32_000;

const cuts: CutAudio[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(cuts.splice(0).map((audio) => audio.close()));
});

async function cut(path: string, part: Span, signal = never): Promise<CutAudio> {
  const audio = await cutAudio(path, part, { folder: tmpdir(), rawAudio: RAW_AUDIO_DEFAULTS, signal });
  cuts.push(audio);
  return audio;
}

/** From here on, this shell script is found as ffmpeg. */
async function ffmpegIs(script: string): Promise<void> {
  const folder = await batchWith({ ffmpeg: `#!/bin/sh\n${script}\n` });
  await chmod(join(folder, "ffmpeg"), 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
}

async function pathOfFfmpeg(): Promise<string> {
  return (await run("sh", ["-c", "command -v ffmpeg"])).stdout.trim();
}

function span(start_s: number, end_s: number): Span {
  return { start_s, end_s };
}

/** Ten seconds. */
async function recording(): Promise<string> {
  return join(await batchWith({ "a.wav": wavFile(10) }), "a.wav");
}

test("what ffmpeg wrote before it was killed is not taken for the recording", async () => {
  await ffmpegIs("head -c 64000 /dev/zero; kill -KILL $$");
  expect(await refusalOf(cut(await recording(), span(0, 10)))).toMatchObject({
    fault: "answer",
    type: "decoding-failed",
    message: "ffmpeg was ended by SIGKILL.",
  });
});

test("no more than one ffmpeg a core runs at once; one that waits leaves when it is to stop", async () => {
  const many = 4 * availableParallelism();
  const folder = await folderWith({});
  const real = await pathOfFfmpeg();
  await ffmpegIs(`cd ${folder}; touch $$.runs; ls *.runs | wc -l >> counts; ${real} "$@"; rm $$.runs`);
  const path = await recording();
  const stopped = new AbortController();
  const all = Array.from({ length: many }, () => cut(path, span(1, 3)));
  const last = refusalOf(cut(path, span(1, 3), stopped.signal));
  stopped.abort(new Error("enough"));
  expect(await last).toEqual(new Error("enough"));
  for (const { bytes } of await Promise.all(all)) expect(bytes).toBe(WAV_HEADER + 2 * BYTES_A_SECOND);
  const counts = (await readFile(join(folder, "counts"), "utf8")).trim().split("\n").map(Number);
  expect(counts).toHaveLength(many);
  expect(Math.max(...counts)).toBeLessThanOrEqual(availableParallelism());
});

/** How cutting seconds 0 to 9 of a recording ends in a process with this limit of its own; `before` is done first. */
async function refusalUnder(limit: string, before: string): Promise<unknown> {
  const module = new URL("../dist/hosts/recording-audio.js", import.meta.url).href;
  const folder = await folderWith({});
  const script = `
    import { openSync, closeSync } from "node:fs";
    import { cutAudio } from ${JSON.stringify(module)};
    const open = [];
    ${before}
    const part = { start_s: 0, end_s: 9 };
    const { signal } = new AbortController();
    const options = { folder: ${JSON.stringify(folder)}, rawAudio: { rate: 8000, channels: 1, codec: null }, signal };
    const cut = cutAudio(${JSON.stringify(await recording())}, part, options);
    const { fault, type, message } = await cut.catch((error) => error);
    for (const one of open) closeSync(one);
    console.log(JSON.stringify({ fault, type, message }));`;
  const limited = `trap "" XFSZ; ulimit ${limit}; exec "$0" --input-type=module -e "$1"`;
  const { stdout } = await run("sh", ["-c", limited, process.execPath, script]);
  expect(await readdir(folder)).toEqual([]);
  return JSON.parse(stdout.replaceAll(folder, "<folder>"));
}

const OPEN_ALL = 'try { for (;;) open.push(openSync("/dev/null")); } catch {}';

test.each([
  [
    "no more files can be opened",
    "-n 200",
    OPEN_ALL,
    /^The audio for the model server cannot be kept in <folder> while it is sent: EMFILE/,
  ],
  ["one file can be opened", "-n 200", `${OPEN_ALL} closeSync(open.pop());`, /^The recording cannot be read: EMFILE/],
  ["the disk is full", "-f 200", "", /^The audio .* cannot be kept in <folder>.*EFBIG.*Make room there/],
])("where %s, it is tried later, and no part passes for the whole", async (_where, limit, before, message) => {
  expect(await refusalUnder(limit, before)).toEqual({
    fault: "answer",
    type: "decoding-failed",
    message: expect.stringMatching(message),
  });
});

test("it lies on disk without a name, and is read as often as it is asked for", async () => {
  const folder = await folderWith({});
  const options = { folder, rawAudio: RAW_AUDIO_DEFAULTS, signal: never };
  const audio = await cutAudio(await recording(), span(2, 9.5), options);
  expect(await readdir(folder)).toEqual([]);
  for (let times = 0; times < 2; times++) {
    const pieces: Buffer[] = [];
    for await (const piece of audio.content()) pieces.push(piece);
    const whole = Buffer.concat(pieces);
    expect(whole.length).toBe(audio.bytes);
    expect(createHash("sha256").update(whole).digest("hex")).toBe(audio.sha256);
    expect(whole.readUInt32LE(40)).toBe(7.5 * BYTES_A_SECOND);
    expect(whole.readUInt32LE(4)).toBe(audio.bytes - 8);
  }
  await audio.close();
  await audio.close();
});

test("ffmpeg finds no secret in its environment", async () => {
  const seen = join(await batchWith({}), "seen");
  await ffmpegIs(`env > ${seen}; ${await pathOfFfmpeg()} "$@"`);
  vi.stubEnv("COFI_STT_OPENAI_API_KEY", "sk-secret");
  await cut(await recording(), span(1, 3));
  expect(await readFile(seen, "utf8")).not.toMatch(/COFI_|NODE/);
});

test("pieces have no gaps, are never too long, and are cut in silence where there is any", () => {
  const speeches = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 400 })), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(
      speeches,
      fc.integer({ min: 10, max: 600 }),
      fc.integer({ min: 1, max: 9_000 }),
      (lengths, max, total) => {
        let at = 0;
        const speech = lengths.map(([pause, length]) => span((at += pause) / 10, (at += length) / 10));
        const whole = span(0, total / 10);
        const inside = speech.filter(({ end_s }) => end_s <= whole.end_s);
        const pieces = piecesOf(whole, inside, max / 10);
        expect(pieces[0]?.start_s).toBe(0);
        expect(pieces.at(-1)?.end_s).toBe(whole.end_s);
        for (const [n, { start_s, end_s }] of pieces.entries()) {
          expect(end_s - start_s).toBeLessThanOrEqual(max / 10 + 1e-9);
          if (pieces.length > 1)
            expect(end_s - start_s).toBeGreaterThanOrEqual((n + 1 < pieces.length ? 0.1 : 0.9) - 1e-9);
          const next = pieces[n + 1];
          if (next) expect(next.start_s).toBe(end_s);
          // A cut inside of speech means that no silence was in reach.
          const isInSpeech = next && inside.some((one) => one.start_s + 1e-9 < end_s && end_s < one.end_s - 1e-9);
          const hasSilence = inside.some((one) => one.end_s > start_s + 0.5 && one.end_s < end_s - 1e-9);
          if (isInSpeech) expect(hasSilence).toBe(false);
        }
      },
    ),
  );
});

test("times are those of the sound, also in a recording whose packets have gaps between them", async () => {
  const path = await recording();
  const gaps = `${path}.ogg`;
  const later = ["-c", "copy", "-bsf:a", "setts=ts=if(gt(PTS\\,240000)\\,PTS+240000\\,PTS)"];
  await run("ffmpeg", ["-nostdin", "-v", "error", "-i", path, "-c:a", "libopus", `${path}.opus`]);
  await run("ffmpeg", ["-nostdin", "-v", "error", "-i", `${path}.opus`, ...later, gaps]);
  expect((await cut(gaps, span(6, 9))).bytes).toBe(WAV_HEADER + 3 * BYTES_A_SECOND);
});

/** The samples of a piece. */
async function samplesOf(audio: CutAudio): Promise<Int16Array> {
  const pieces: Buffer[] = [];
  for await (const piece of audio.content()) pieces.push(piece);
  const content = Buffer.concat(pieces).subarray(WAV_HEADER);
  return Int16Array.from({ length: content.length / 2 }, (_, i) => content.readInt16LE(2 * i));
}

function power(samples: Int16Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

test("model servers hear what the engines hear: opposite phase, all tracks, headers that say less, raw audio", async () => {
  const call = fileURLToPath(new URL("../../../samples/batch/c04.wav", import.meta.url));
  const folder = await folderWith({});
  const made = async (name: string, ...options: string[]): Promise<string> => {
    await run("ffmpeg", ["-nostdin", "-v", "error", "-i", call, ...options, join(folder, name)]);
    return join(folder, name);
  };
  const part = span(8, 14);
  const whole = power(await samplesOf(await cut(call, part)));
  expect(whole).toBeGreaterThan(10_000);
  const wav = Buffer.from(await readFile(call));
  wav.writeUInt32LE(16_000, wav.indexOf("data") + 4);
  await writeFile(join(folder, "short.wav"), wav);
  for (const path of [
    await made("opposite.wav", "-af", "pan=stereo|c0=c0|c1=-1*c0"),
    await made(
      "second.mkv",
      "-f",
      "lavfi",
      "-i",
      "anullsrc=r=8000:cl=mono:d=18",
      "-map",
      "1:a",
      "-map",
      "0:a",
      "-c:a",
      "pcm_s16le",
    ),
    await made("raw.ul", "-f", "mulaw"),
    join(folder, "short.wav"),
  ])
    expect(power(await samplesOf(await cut(path, part))) / whole, path).toBeCloseTo(1, 1);
});
