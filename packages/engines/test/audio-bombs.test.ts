/** Small files that would decode into more than a machine has: refused, with the limit named, by an engine that stays small. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFile, copyFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { post, samplePath, temporaryFolder, until, upload, type Problem } from "./support.js";

const run = promisify(execFile);
const COFI = fileURLToPath(new URL("../../cli/bin/cofi.js", import.meta.url));
const MAX_AUDIO_S = 600;
/** What the engine may grow by: ten minutes of samples take 19 MB, the same again while room is made for more, and what is not collected yet. */
const MOST_GROWTH_KB = 128 * 1024;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let engine: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const args = [COFI, "engine", "denoise", "--files-dir", join(folder.path, "files"), "--until-stdin-closes"];
  const env = { ...process.env, COFI_MAX_AUDIO_S: String(MAX_AUDIO_S), COFI_ENGINE_TOKEN: "" };
  engine = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], env });
  const [line] = (await once(createInterface({ input: engine.stdout! }), "line")) as [string];
  ({ url } = JSON.parse(line) as { url: string });
  await until(async () => (await fetch(`${url}/health`)).status === 200);
});
afterAll(async () => {
  if (engine.exitCode === null && engine.signalCode === null) {
    const ended = once(engine, "exit");
    engine.kill("SIGKILL");
    await ended;
  }
  await folder.remove();
});

/** A RIFF/WAVE file of PCM with a header that makes the given claims. */
function wav(claims: { rate?: number; channels?: number; bytes?: number; claimed?: number }): Buffer {
  const { rate = 8_000, channels = 1, bytes = 160_000 } = claims;
  const { claimed = bytes } = claims;
  const file = Buffer.alloc(44 + bytes);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + claimed, 4);
  file.write("WAVEfmt ", 8, "latin1");
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE((rate * channels * 2) % 2 ** 32, 28);
  file.writeUInt16LE((channels * 2) % 2 ** 16, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36, "latin1");
  file.writeUInt32LE(claimed, 40);
  return file;
}

async function ffmpeg(...args: string[]): Promise<void> {
  await run("ffmpeg", ["-nostdin", "-v", "error", "-y", ...args], { cwd: folder.path });
}

/** So many seconds of silence, without encoding more than a minute of it. */
async function silence(name: string, seconds: number, ...options: string[]): Promise<Buffer> {
  const minute = `minute-${name}`;
  await ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "60", ...options, minute);
  await ffmpeg("-stream_loop", String(seconds / 60 - 1), "-i", minute, "-c", "copy", ...options.slice(2), name);
  return readFile(join(folder.path, name));
}

/** Packets of 128 ms each that claim to last a millisecond. */
async function lyingMatroska(): Promise<Buffer> {
  await writeFile(join(folder.path, "hour.wav"), wav({ bytes: 2 * 8_000 * 3_600 }));
  await ffmpeg("-i", "hour.wav", "-c", "copy", "-bsf:a", "setts=ts=N:duration=1", "lying.mkv");
  return readFile(join(folder.path, "lying.mkv"));
}

/** Its bit rate at the beginning makes an hour look like two minutes. */
async function lyingMp3(): Promise<Buffer> {
  const xing = ["-write_xing", "0"];
  await ffmpeg("-f", "lavfi", "-i", "anoisesrc=r=48000", "-t", "2", "-b:a", "320k", "-ac", "1", ...xing, "loud.mp3");
  await silence("quiet.mp3", 7_200, "-b:a", "8k", ...xing);
  await appendFile(join(folder.path, "loud.mp3"), await readFile(join(folder.path, "quiet.mp3")));
  return readFile(join(folder.path, "loud.mp3"));
}

/** 200 MB of zeros where a picture of the album should be. */
async function hugePicture(): Promise<Buffer> {
  const size = 200 * 1024 * 1024;
  const head = Buffer.from("ID3\x03\x00\x00____APIC____\x00\x00\x00image/png\x00\x03\x00", "latin1");
  const tagBytes = size - 10;
  for (let i = 0; i < 4; i++) head[6 + i] = (tagBytes >> (7 * (3 - i))) & 127;
  head.writeUInt32BE(tagBytes - 10, 14);
  const path = join(folder.path, "picture.mp3");
  await writeFile(path, head);
  await truncate(path, size);
  await appendFile(path, (await silence("end.mp3", 60)).subarray(0, 30));
  return readFile(path);
}

async function peakKb(): Promise<number> {
  const status = await readFile(`/proc/${engine.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
}

test("each kind is refused with 422 and the limit, and the engine stays small", { timeout: 120_000 }, async () => {
  const denoise = (name: string) => post<Problem>(url, "/v1/denoise", { batch_id: 1, file_name: name });
  await copyFile(samplePath("batch/c04.wav"), join(folder.path, "call.wav"));
  await upload(url, 1, "call.wav", await readFile(join(folder.path, "call.wav")));
  expect((await denoise("call.wav")).status).toBe(200);

  const tooLong = /at most 600 s \(COFI_MAX_AUDIO_S/;
  const tenHours = 36_000;
  const bombs: [name: string, content: Buffer, type: string, detail: RegExp][] = [
    ["1 Hz", wav({ rate: 1 }), "not-supported", /from 4000 to 384000 Hz; this one claims 1 Hz/],
    ["2 GHz", wav({ rate: 2e9 }), "not-supported", /claims 2000000000 Hz/],
    ["4 GHz", wav({ rate: 4e9 }), "unreadable-audio", /sample rate/],
    ["64 channels", wav({ channels: 64 }), "not-supported", /at most 32 channels; this one claims 64/],
    ["4000 channels", wav({ channels: 4_000 }), "unreadable-audio", /channels: 4000/],
    ["claims 2 GB", wav({ claimed: 2_000_000_000 }), "unreadable-audio", /cut off: its header announces/],
    ["ten hours of MP3", await silence("ten.mp3", tenHours), "not-supported", tooLong],
    ["ten hours of Opus", await silence("ten.opus", tenHours), "not-supported", tooLong],
    ["ten hours of FLAC", await silence("ten.flac", tenHours), "not-supported", tooLong],
    ["ten hours of GSM", await silence("ten.gsm", tenHours, "-c:a", "libgsm"), "not-supported", tooLong],
    ["ten hours of AAC", await silence("ten.aac", tenHours), "not-supported", tooLong],
    ["ten hours of µ-law", await silence("ten.wav", tenHours, "-c:a", "pcm_mulaw"), "not-supported", tooLong],
    ["an MP3 that looks shorter", await lyingMp3(), "not-supported", tooLong],
    ["a Matroska that says it is shorter", await lyingMatroska(), "not-supported", tooLong],
    ["a picture of 200 MB", await hugePicture(), "unreadable-audio", /./],
  ];
  for (const [name, content] of bombs) expect((await upload(url, 1, name, content)).status, name).toBe(201);
  const before = await peakKb();
  for (const [name, , type, detail] of bombs) {
    const { status, body } = await denoise(name);
    expect([name, status, body.type, body.detail]).toEqual([name, 422, type, expect.stringMatching(detail)]);
    expect((await peakKb()) - before, name).toBeLessThan(MOST_GROWTH_KB);
  }
  expect((await denoise("call.wav")).status).toBe(200);
});
