/** An hour of a call in the page of a trade: how soon it is heard, and how exactly it is found, in a real Chromium. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { launchBrowser } from "../test/support/browser.js";
import { startDashboard, type Dashboard } from "../test/support/cofi.js";
import { plainCall, plainTrade } from "../test/support/plain-records.js";
import { medianOf, record } from "./support/results.js";

const ffmpeg = promisify(execFile);
const SECONDS = 3_600;
const FORMATS = {
  "MP3 VBR": ["hour.mp3", "-c:a", "libmp3lame", "-q:a", "6"],
  Opus: ["hour.opus", "-c:a", "libopus", "-b:a", "16k"],
  "G.711": ["hour.wav", "-c:a", "pcm_mulaw"],
  GSM: ["hour.gsm", "-c:a", "libgsm"],
} as const;
/** Where is sought: a little before beeps, which stand at every tenth second. */
const SOUGHT = [3_550, 10, 1_800, 2_710, 420, 3_590, 90];

let folder: string;
let dashboard: Dashboard;
let browser: Browser;
let batchId: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-sound-"));
  const beeps = `aevalsrc='if(lt(mod(t\\,10)\\,0.1)\\,0.7*sin(2*PI*880*t)\\,0.002*random(0))':d=${SECONDS}:s=8000`;
  const plain = join(folder, "plain.raw");
  await ffmpeg("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", beeps, "-f", "s16le", plain]);
  const input = ["-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", plain];
  for (const [name, ...encoding] of Object.values(FORMATS))
    await ffmpeg("ffmpeg", [...input, ...encoding, join(folder, name)]);
  const url = `sqlite:${join(folder, "cofi.sqlite")}`;
  const database = await openDatabase(url);
  await migrate(database);
  batchId = (await new Store(database).createBatch({ name: "night", folder })).id;
  const results = new Results(database);
  const run = { batchId, run: 0 };
  const names = Object.values(FORMATS).map(([name]) => name);
  await results.replaceCalls(
    run,
    names.map((callId) => plainCall({ callId, durationS: SECONDS, channels: 1 })),
  );
  await results.replaceTrades(
    run,
    names.map((tradeId) => plainTrade({ tradeId })),
  );
  await results.saveVerdicts(
    run,
    names.map((name) => ({ tradeId: name, verdict: "CONFIRMED", callId: name, reason: "r", detail: null })),
  );
  await database.close();
  dashboard = await startDashboard({ COFI_DATABASE_URL: url, COFI_DATA_DIR: folder });
  browser = await launchBrowser();
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** From the click to the first sound, in ms. */
async function firstSound(page: Page): Promise<number> {
  await page.getByRole("button", { name: "Listen" }).waitFor();
  return page.evaluate<number>(`(async () => {
    const started = performance.now();
    [...document.querySelectorAll("button")].find((button) => button.textContent === "Listen").click();
    for (;;) {
      const audio = document.querySelector("audio");
      if (audio && audio.currentTime > 0 && !audio.paused) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })()`);
}

/** Seeks to a moment before a beep and plays. @returns by how much the beep is elsewhere, and how long the seek took, in ms */
async function seek(page: Page, beep: number): Promise<{ offMs: number; tookMs: number }> {
  return page.evaluate<{ offMs: number; tookMs: number }>(`(async () => {
    const audio = document.querySelector("audio");
    if (!window.tap) {
      const context = new AudioContext();
      const source = context.createMediaElementSource(audio);
      const tap = context.createScriptProcessor(256, 1, 1);
      source.connect(tap).connect(context.destination);
      source.connect(context.destination);
      await context.resume();
      window.tap = tap;
    }
    audio.pause();
    const started = performance.now();
    const sought = new Promise((resolve) => audio.addEventListener("seeked", resolve, { once: true }));
    audio.currentTime = ${beep} - 0.5;
    await sought;
    const tookMs = performance.now() - started;
    const heard = new Promise((resolve) => {
      window.tap.onaudioprocess = ({ inputBuffer }) => {
        if (inputBuffer.getChannelData(0).some((sample) => Math.abs(sample) > 0.2)) resolve(audio.currentTime);
      };
    });
    await audio.play();
    const at = await heard;
    window.tap.onaudioprocess = null;
    audio.pause();
    return { offMs: Math.abs(at - ${beep}) * 1000, tookMs };
  })()`);
}

test("an hour of a call, heard in Chromium", async () => {
  const first: Record<string, number> = {};
  const again: Record<string, number> = {};
  const off: Record<string, number> = {};
  const seeks: Record<string, number> = {};
  for (const [format, [name]] of Object.entries(FORMATS)) {
    const address = `${dashboard.url}/?batch=${batchId}&view=trade&trade=${name}`;
    let page = await browser.newPage();
    await page.goto(address);
    first[format] = await firstSound(page);
    await page.close();
    page = await browser.newPage();
    await page.goto(address);
    again[format] = await firstSound(page);
    const found = [];
    for (const beep of SOUGHT) found.push(await seek(page, beep));
    off[format] = Math.max(...found.map(({ offMs }) => offMs));
    seeks[format] = medianOf(found.map(({ tookMs }) => tookMs));
    await page.close();
  }
  await record(
    "An hour of a call: from the click to the first sound, never heard before",
    "ms",
    first,
    "Bar: <= 500 ms.",
  );
  await record("An hour of a call: from the click to the first sound, heard before", "ms", again);
  await record("An hour of a call: by how much a moment is missed at most", "ms", off, "Bar: <= 50 ms.");
  await record("An hour of a call: how long a seek takes, median", "ms", seeks);
}, 600_000);
