/** What somebody hears at a moment of a call is what was said at that moment, whatever the recorder wrote. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SoundAnswer } from "@cofi/evidence/shapes";
import type { NewCall } from "@cofi/evidence/records";
import { Results } from "@cofi/evidence/results";
import { post } from "./access-support.js";
import { run, type Running } from "./dashboard-support.js";
import { plainCall } from "../../../test/support/plain-records.js";

const ffmpeg = promisify(execFile);
const RATE = 16_000;
const SECONDS = 120;
/** A beep of 100 ms at the beginning of every tenth second, over hardly anything. */
const BEEPS = `aevalsrc='if(lt(mod(t\\,10)\\,0.1)\\,0.7*sin(2*PI*880*t)\\,0.0005*sin(2*PI*200*t))':d=${SECONDS}:s=8000`;
const FORMATS = {
  "pcm.wav": ["-c:a", "pcm_s16le"],
  "vbr.mp3": ["-c:a", "libmp3lame", "-q:a", "6"],
  "vbr-without-header.mp3": ["-c:a", "libmp3lame", "-q:a", "6", "-write_xing", "0"],
  "call.opus": ["-c:a", "libopus", "-b:a", "16k"],
  "g711.wav": ["-c:a", "pcm_mulaw"],
  "g711.ulaw": ["-c:a", "pcm_mulaw", "-f", "mulaw"],
  "call.gsm": ["-c:a", "libgsm"],
  "call.flac": ["-c:a", "flac"],
} as const;

let folder: string;
let it: Running;
let batchId: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-sounds-"));
  it = await run("sqlite");
  batchId = (await it.store.createBatch({ name: "night", folder })).id;
  await new Results(it.fresh.database).replaceCalls(
    { batchId, run: 0 },
    Object.keys(FORMATS).map((name) => callOf(name)),
  );
});
afterAll(async () => {
  await it.close();
  await rm(folder, { recursive: true, force: true });
});

function callOf(callId: string): NewCall {
  return plainCall({ callId, durationS: SECONDS });
}

test.each(Object.entries(FORMATS))("%s: every beep is where it was", async (name, encoding) => {
  await ffmpeg("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", BEEPS, ...encoding, join(folder, name)]);
  const path = `${it.url}/api/batch/${batchId}/calls/${name}`;
  const { ticket } = (await (await fetch(`${path}/play`, post({}))).json()) as SoundAnswer;
  const response = await fetch(`${path}/sound?ticket=${ticket}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const samples = (bytes.length - 44) / 2;
  expect(samples / RATE).toBeGreaterThanOrEqual(SECONDS - 0.01);
  expect(samples / RATE).toBeLessThan(SECONDS + 1);
  const beginnings: number[] = [];
  let quietSince = -RATE;
  for (let at = 0; at < samples; at++) {
    if (Math.abs(bytes.readInt16LE(44 + 2 * at)) < 6_000) continue;
    if (at - quietSince > RATE) beginnings.push(at / RATE);
    quietSince = at;
  }
  expect(beginnings).toHaveLength(SECONDS / 10);
  // What the encoder puts before the sound is said in a header alone: without one it is a part of the recording, for engines too.
  const delay = name.includes("without-header") ? (beginnings[0] ?? 0) : 0;
  expect(delay).toBeLessThan(0.2);
  for (const [n, second] of beginnings.entries())
    expect(Math.abs(second - delay - 10 * n), `beep ${n} of ${name}`).toBeLessThan(0.03);
});
