import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeAudio, decodeChannel } from "@cofi/engines/audio";
import { EngineProblem } from "@cofi/engines/problem";
import { encodeWav } from "@cofi/engines/wav";
import { samplePath, temporaryFolder } from "./support.js";

const run = promisify(execFile);
const CALL = samplePath("batch/c04.wav");
const DURATION_S = 18.67575;

describe("decodeAudio", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder.remove());

  async function converted(name: string, ...options: string[]): Promise<string> {
    const path = join(folder.path, name);
    await run("ffmpeg", ["-nostdin", "-v", "error", "-y", "-i", CALL, ...options, path]);
    return path;
  }

  async function file(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(folder.path, name);
    await writeFile(path, content);
    return path;
  }

  it.each([
    ["pcm.wav", ["-c:a", "pcm_s16le"], "pcm_s16le", 8000],
    ["law.wav", ["-c:a", "pcm_mulaw"], "pcm_mulaw", 8000],
    ["gsm.gsm", ["-c:a", "libgsm"], "gsm", 8000],
    ["wide.flac", ["-ar", "44100"], "flac", 44100],
    ["voice.mp3", ["-ar", "16000"], "mp3", 16000],
    ["voice.ogg", ["-c:a", "libvorbis"], "vorbis", 8000],
    ["voice.opus", ["-c:a", "libopus"], "opus", 48000],
    ["voice.m4a", ["-c:a", "aac"], "aac", 8000],
  ])("reads %s", async (name, options, codec, sampleRate) => {
    const audio = await decodeAudio(await converted(name, ...options));
    expect(audio).toMatchObject({ codec, sample_rate: sampleRate, channels: 1 });
    expect(Math.abs(audio.duration_s - DURATION_S)).toBeLessThan(0.05);
    expect(audio.samples.length).toBe(Math.round(audio.duration_s * 8000));
  });

  it("hears all channels, and says how many there were", async () => {
    const mono = await decodeAudio(CALL);
    const both = await decodeAudio(await converted("same.wav", "-af", "pan=stereo|c0=c0|c1=c0"));
    expect(both.channels).toBe(2);
    expect(level(both.samples)).toBeCloseTo(level(mono.samples), 3);
    const left = await converted("left.wav", "-af", "pan=stereo|c0=c0|c1=0*c0");
    expect(level((await decodeAudio(left)).samples)).toBeCloseTo(level(mono.samples), 3);
    expect(level((await decodeChannel(left, 0)).samples)).toBeCloseTo(level(mono.samples), 3);
    expect(level((await decodeChannel(left, 1)).samples)).toBe(0);
    const five = await decodeAudio(await converted("five.wav", "-af", "pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0"));
    expect(five.channels).toBe(6);
    expect(level(five.samples)).toBeCloseTo(level(mono.samples), 3);
    const opposite = await decodeAudio(await converted("opposite.wav", "-af", "pan=stereo|c0=c0|c1=-1*c0"));
    expect(level(opposite.samples)).toBeCloseTo(level(mono.samples), 3);
    expect(opposite.notes).toEqual([expect.stringMatching(/^The channels are in opposite phase for 18\.\d s/)]);
  });

  it("takes away the constant that a recorder added, and leaves digital silence as it is", async () => {
    const clean = (await decodeAudio(CALL)).samples;
    const shifted = await file(
      "offset.wav",
      encodeWav(
        clean.map((sample) => sample + 0.1),
        8000,
      ),
    );
    const { samples } = await decodeAudio(shifted);
    expect(mean(samples)).toBeCloseTo(0, 4);
    expect(level(samples)).toBeCloseTo(level(clean), 3);
    const click = new Float32Array(8000);
    click[0] = 0.9;
    const quiet = (await decodeAudio(await file("click.wav", encodeWav(click, 8000)))).samples;
    expect(quiet.subarray(1).every((sample) => sample === 0)).toBe(true);
  });

  it("reads a file whatever it is called", async () => {
    for (const name of ["-i.wav", `"quoted".wav`, "line\nbreak", "%d.wav", "😀", "pipe:1", "http:x"]) {
      expect((await decodeAudio(await file(name, await readFile(CALL)))).duration_s, name).toBe(DURATION_S);
    }
  });

  it("refuses an incomplete recording, and names what was found", async () => {
    const whole = await readFile(CALL);
    const flac = await readFile(await converted("whole.flac"));
    const cases: [name: string, content: Uint8Array | string, found: RegExp][] = [
      ["empty", "", /empty \(0 bytes\)/],
      ["text.wav", "hello, this is a text", /21 bytes that begin with 68 65 6c/],
      ["noise.mp3", pseudoRandom(50_000), /not an audio file|No sample|has no audio/],
      ["header.wav", whole.subarray(0, 44), /cut off: its header announces 298812 bytes more/],
      ["nothing.wav", encodeWav(new Float32Array(0), 8000), /No sample could be decoded/],
      ["cut.wav", whole.subarray(0, 100_000), /cut off: its header announces 198856 bytes more/],
      ["cut.flac", flac.subarray(0, 20_000), /declares 18\.7 s/],
      ["list.m3u8", "#EXTM3U\n#EXTINF:10,\n/etc/hostname\n#EXT-X-ENDLIST\n", /not an audio file/],
      ["list.txt", "ffconcat version 1.0\nfile /etc/hostname\n", /ffmpeg takes the file for "concat"/],
    ];
    for (const [name, content, found] of cases) {
      const problem = await problemOf(await file(name, content));
      expect(problem, name).toMatchObject({ status: 422, type: "unreadable-audio" });
      expect(problem.detail, name).toMatch(found);
      expect(problem.detail, name).not.toContain(folder.path);
    }
    const video = join(folder.path, "video.mp4");
    await run("ffmpeg", ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64", video]);
    expect((await problemOf(video)).detail).toMatch(/The file has no audio.*video/);
  });

  it("refuses a recording in which much cannot be decoded, and takes one with gaps between its packets", async () => {
    const ogg = await converted("whole.ogg", "-c:a", "libopus");
    const gaps = join(folder.path, "gaps.ogg");
    const later = "setts=ts=if(gt(PTS\\,240000)\\,PTS+240000\\,PTS)";
    await run("ffmpeg", ["-nostdin", "-v", "error", "-y", "-i", ogg, "-c", "copy", "-bsf:a", later, gaps]);
    expect(Math.abs((await decodeAudio(gaps)).duration_s - DURATION_S)).toBeLessThan(0.1);
    const [mp3, damaged] = [await converted("whole.mp3", "-ar", "16000"), join(folder.path, "damaged.mp3")];
    await run("ffmpeg", [
      "-nostdin",
      "-v",
      "error",
      "-y",
      "-i",
      mp3,
      "-c",
      "copy",
      "-bsf:a",
      "noise=amount=50",
      damaged,
    ]);
    expect((await problemOf(damaged)).detail).toMatch(/^The file was cut off or damaged: .*mp3/);
  });

  it("gives ffmpeg and ffprobe no secret in their environment", async () => {
    const bin = await temporaryFolder();
    const seen = join(bin.path, "seen");
    for (const program of ["ffmpeg", "ffprobe"]) {
      const { stdout } = await run("sh", ["-c", `command -v ${program}`]);
      const script = `#!/bin/sh\nenv >> ${seen}\nexec ${stdout.trim()} "$@"\n`;
      await writeFile(join(bin.path, program), script, { mode: 0o755 });
    }
    vi.stubEnv("PATH", `${bin.path}:${process.env["PATH"]}`);
    vi.stubEnv("COFI_ENGINE_TOKEN", "a-secret-token");
    try {
      await decodeAudio(CALL);
      expect(await readFile(seen, "utf8")).not.toMatch(/COFI_|NODE/);
    } finally {
      vi.unstubAllEnvs();
      await bin.remove();
    }
  });

  it("does not take what ffmpeg wrote before it was killed for the recording, nor blames the recording", async () => {
    const { stdout } = await run("sh", ["-c", "command -v ffmpeg"]);
    const isDecoding = 'case "$*" in *f32le*) head -c 64000 /dev/zero; kill -KILL $$;; esac';
    const bin = await temporaryFolder();
    await writeFile(join(bin.path, "ffmpeg"), `#!/bin/sh\n${isDecoding}\nexec ${stdout.trim()} "$@"\n`, {
      mode: 0o755,
    });
    vi.stubEnv("PATH", `${bin.path}:${process.env["PATH"]}`);
    try {
      await expect(decodeAudio(CALL)).rejects.toThrow(/^ffmpeg was ended by SIGKILL\.$/);
    } finally {
      vi.unstubAllEnvs();
      await bin.remove();
    }
  });

  it("says so where no more files can be opened, and can be asked again", async () => {
    const module = new URL("../../recordings/dist/media-program.js", import.meta.url).href;
    const script = `
      import { openSync, closeSync } from "node:fs";
      import { runMedia } from ${JSON.stringify(module)};
      const open = [];
      try { for (;;) open.push(openSync("/dev/null")); } catch {}
      const { message } = await runMedia("ffmpeg", [], { timeoutMs: 60_000 }).catch((error) => error);
      for (const one of open) closeSync(one);
      console.log(message);`;
    const limited = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
    const { stdout } = await run("sh", ["-c", limited, process.execPath, script]);
    expect(stdout).toBe("ffmpeg cannot be started: spawn /bin/sh EMFILE.\n");
  });
});

describe("WAV files", () => {
  it("survive the way through ffmpeg sample by sample", async () => {
    const folder = await temporaryFolder();
    const samples = Float32Array.from({ length: 4000 }, (_, i) => Math.round(Math.sin(i) * 20_000) / 32_768);
    await writeFile(join(folder.path, "a.wav"), encodeWav(samples, 8000));
    const back = (await decodeAudio(join(folder.path, "a.wav"))).samples;
    expect(back.length).toBe(samples.length);
    expect(Math.max(...back.map((value, i) => Math.abs(value - (samples[i] ?? 0))))).toBeLessThan(1 / 16_000);
    await folder.remove();
  });
});

async function problemOf(path: string): Promise<EngineProblem> {
  const error: unknown = await decodeAudio(path).catch((reason: unknown) => reason);
  if (error instanceof EngineProblem) return error;
  throw new Error(`decoding ${path} did not end with a problem`, { cause: error });
}

function mean(samples: Float32Array): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

function level(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length);
}

function pseudoRandom(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}
