// Word error rate and speed of the engines denoise, ivr and stt on the sample calls, clean and with noise mixed in:
//   npx tsc -b packages/engines && node packages/engines/tools/evaluate.mjs [--segments] [condition…]
// Conditions: clean, car15, babble20, babble10 (signal-to-noise ratio in dB), noisy (the recordings in samples/noisy).
// --segments also prints each segment's score gap and errors, which the confidence of stt-confidence.ts is fitted on.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeAudio } from "@cofi/engines/audio";
import { createEngine as createDenoise } from "@cofi/engines/denoise";
import { DiskFileStore } from "@cofi/engines/file-store";
import { createEngine as createIvr } from "@cofi/engines/ivr";
import { createEngine as createStt } from "@cofi/engines/stt";
import { encodeWav } from "@cofi/engines/wav";
import { babbleNoise, carNoise, mixed } from "./noise.mjs";
import { alignedErrors, wordErrors } from "./word-errors.mjs";

const SAMPLES = new URL("../../../samples/", import.meta.url);
const CALLS = { c01: "wav", c02: "mp3", c03: "wav", c04: "wav", c05: "opus", c06: "wav" };
const NOISY = { c02: "white10", c04: "office10", c05: "white5", c06: "car5" };

const showSegments = process.argv.includes("--segments");
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const conditions = wanted.length > 0 ? wanted : ["clean", "car15", "babble20", "babble10", "noisy"];

const truth = new Map(
  JSON.parse(await readFile(new URL("truth.json", SAMPLES), "utf8")).map((call) => [call.id, call]),
);
const folder = await mkdtemp(join(tmpdir(), "cofi-evaluate-"));
const files = await DiskFileStore.open(folder);
const NEVER_GONE = new AbortController().signal;
const engines = { denoise: createDenoise(), ivr: createIvr(), stt: createStt() };
try {
  await Promise.all(Object.values(engines).map((engine) => engine.load()));
  for (const condition of conditions) await evaluate(condition);
} finally {
  await Promise.all(Object.values(engines).map((engine) => engine.close()));
  await rm(folder, { recursive: true, force: true });
}

async function evaluate(condition) {
  const total = { errors: 0, words: 0, audio_s: 0, denoise: 0, ivr: 0, stt: 0 };
  for (const id of Object.keys(condition === "noisy" ? NOISY : CALLS)) {
    const fileName = `${condition}-${id}`;
    await files.put(1, fileName, [await recording(condition, id)]);
    const request = { batch_id: 1, file_name: fileName };
    const timed = async (stage, body) => {
      const start = performance.now();
      const response = await engines[stage].process(body, files, NEVER_GONE);
      total[stage] += (performance.now() - start) / 1000;
      return response;
    };
    await timed("denoise", request);
    const { trim, duration_s } = await timed("ivr", request);
    const heard = await timed("stt", { ...request, variant: "denoised", trim, language: "en" });
    const reference = truth.get(id).transcript;
    const { errors, words } = wordErrors(reference, heard.text);
    total.errors += errors;
    total.words += words;
    total.audio_s += duration_s;
    console.log(
      `  ${fileName} WER ${percent(errors, words)} confidence ${heard.confidence} ${JSON.stringify(heard.text)}`,
    );
    if (showSegments) {
      const wrong = alignedErrors(
        reference,
        heard.segments.map(({ text }) => text),
      );
      for (const [i, segment] of heard.segments.entries()) {
        console.log(
          `SEGMENT ${condition} ${segment.confidence} ${wrong[i]} ${segment.text.split(" ").length} ${segment.text}`,
        );
      }
    }
  }
  const speed = ["denoise", "ivr", "stt"].map((stage) => `${stage} ${(total.audio_s / total[stage]).toFixed(0)}`);
  const chain = total.audio_s / (total.denoise + total.ivr + total.stt);
  console.log(
    `${condition}: WER ${percent(total.errors, total.words)} of ${total.words} words; x real time: ${speed.join(", ")}, all ${chain.toFixed(1)}`,
  );
}

async function recording(condition, id) {
  if (condition === "noisy") return readFile(new URL(`noisy/${id}_${NOISY[id]}.wav`, SAMPLES));
  const clean = new URL(`batch/${id}.${CALLS[id]}`, SAMPLES);
  if (condition === "clean") return readFile(clean);
  const [, kind, ratio] = /^(car|babble)(\d+)$/.exec(condition) ?? [];
  if (kind === undefined) throw new Error(`Unknown condition ${condition}`);
  const { samples } = await decodeAudio(fileURLToPath(clean));
  const noise = kind === "car" ? carNoise(samples.length) : babbleNoise(samples.length, await voices());
  return encodeWav(mixed(samples, noise, Number(ratio)), 8000);
}

// Other people's talk: the recordings that are not English.
async function voices() {
  const names = ["batch/c09.wav", "batch/c12.wav", "batch/c13.wav", "languages/it_IT_f_Menardi_demo-congrats.wav"];
  const urls = [...names, "languages/ru_RU_f_IvrvoiceRU_demo-congrats.wav"].map((name) => new URL(name, SAMPLES));
  return Promise.all(urls.map(async (url) => (await decodeAudio(fileURLToPath(url))).samples));
}

function percent(part, whole) {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}
