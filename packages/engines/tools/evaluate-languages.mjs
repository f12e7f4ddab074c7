// What the engine lid answers for the sample recordings, as they are and denoised, and for calls in babble:
//   npx tsc -b packages/engines && node packages/engines/tools/evaluate-languages.mjs [name…]
// The voices of es, fr, it-carlo and ru were learnt (other prompts of theirs), that of it-menardi was not.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine as createDenoise } from "@cofi/engines/denoise";
import { DiskFileStore } from "@cofi/engines/file-store";
import { createEngine as createLid } from "@cofi/engines/lid";

const SAMPLES = new URL("../../../samples/", import.meta.url);
const RECORDINGS = {
  es: "batch/c09.wav",
  fr: "batch/c13.wav",
  "it-carlo": "batch/c12.wav",
  ru: "languages/ru_RU_f_IvrvoiceRU_demo-congrats.wav",
  "it-menardi": "languages/it_IT_f_Menardi_demo-congrats.wav",
  "en-c01": "batch/c01.wav",
  "en-c02": "batch/c02.mp3",
  "en-c03": "batch/c03.wav",
  "en-c04": "batch/c04.wav",
  "en-c05": "batch/c05.opus",
  "en-c06": "batch/c06.wav",
  "en-car5-c03": "batch/c07.wav",
  "en-babble10-c01": "batch/c08.wav",
  "en-babble10-c04": "noisy/c04_office10.wav",
  "en-white10-c02": "noisy/c02_white10.wav",
  "en-white5-c05": "noisy/c05_white5.wav",
  "en-car5-c06": "noisy/c06_car5.wav",
};

const wanted = process.argv.slice(2);
const truth = new Map(
  JSON.parse(await readFile(new URL("truth.json", SAMPLES), "utf8")).map((call) => [call.id, call]),
);
const folder = await mkdtemp(join(tmpdir(), "cofi-evaluate-"));
const files = await DiskFileStore.open(folder);
const NEVER_GONE = new AbortController().signal;
const engines = { denoise: createDenoise(), lid: createLid() };
try {
  await Promise.all(Object.values(engines).map((engine) => engine.load()));
  for (const [name, path] of Object.entries(RECORDINGS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const request = { batch_id: 1, file_name: name };
    await files.put(1, name, [await readFile(new URL(path, SAMPLES))]);
    const { duration_s } = await engines.denoise.process(request, files, NEVER_GONE);
    const trim = { start_s: truth.get(/c0\d$/.exec(name)?.[0])?.trim ?? 0, end_s: duration_s };
    for (const variant of ["original", "denoised"]) {
      const start = performance.now();
      const { language, margin, speech_s, scores } = await engines.lid.process(
        { ...request, variant, trim },
        files,
        NEVER_GONE,
      );
      const took = ((performance.now() - start) / 1000).toFixed(0);
      console.log(
        `${name} ${variant}: ${language}, margin ${margin}, ${speech_s} s, took ${took} s`,
        JSON.stringify(scores),
      );
    }
  }
} finally {
  await Promise.all(Object.values(engines).map((engine) => engine.close()));
  await rm(folder, { recursive: true, force: true });
}
