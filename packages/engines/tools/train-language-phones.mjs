// Makes data/lid/phone-ngrams.json from the Asterisk core sounds, as in the Debian packages asterisk-core-sounds-{en,es,fr,it,ru}-wav:
//   for l in en es fr it ru; do apt-get download asterisk-core-sounds-$l-wav; done
//   for f in asterisk-core-sounds-*.deb; do dpkg -x $f sounds; done
//   npx tsc -b packages/engines && node packages/engines/tools/train-language-phones.mjs sounds/usr/share/asterisk/sounds
// One prompt of three is left out of the training and used to measure the result; so is demo-congrats, which is in samples/.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeAudio } from "@cofi/engines/audio";
import { Random } from "@cofi/engines/random";
import { countPhones, PHONE_COUNTS_FILE } from "@cofi/engines/lid-phones";
import { Pocketsphinx } from "@cofi/engines/pocketsphinx";

const VOICES = {
  en: "en_US_f_Allison",
  es: "es_MX_f_Allison",
  fr: "fr_CA_f_June",
  it: "it_IT_m_Carlo",
  ru: "ru_RU_f_IvrvoiceRU",
};
const TRAINING_S = 600;
const LEFT_OUT = /beep|tone|silence|monkeys|tt-|demo-congrats/;

const [root] = process.argv.slice(2);
if (!root) {
  console.error("Usage: node train-language-phones.mjs <folder with en_US_f_Allison, es_MX_f_Allison, …>");
  process.exit(2);
}
const NEVER_GONE = new AbortController().signal;
const recogniser = new Pocketsphinx("lid");
try {
  await recogniser.load();
  const heard = new Map();
  for (const [language, voice] of Object.entries(VOICES)) {
    const prompts = (await readdir(join(root, voice), { recursive: true })).filter((name) => name.endsWith(".wav"));
    const training = prompts
      .filter((name) => !LEFT_OUT.test(name))
      .toSorted()
      .filter((_, i) => i % 3 !== 0);
    const samples = await joined(shuffled(training).map((name) => join(root, voice, name)));
    const seconds = samples.length / 8000;
    const options = { samples, trim: { start_s: 0, end_s: seconds }, joined: { utteranceS: 10, maxSpeechS: Infinity } };
    const phones = await recogniser.withSpeech(options, NEVER_GONE, (speech) => speech.recognise("quick-phones"));
    const utterances = phones.flatMap((one) => (one ? [one.text.split(" ").filter((phone) => phone !== "SIL")] : []));
    heard.set(language, utterances);
    console.log(
      `${language}: ${seconds.toFixed(0)} s, ${utterances.length} utterances, ${utterances.flat().length} phones`,
    );
  }
  await writeFile(PHONE_COUNTS_FILE, `${JSON.stringify(countPhones(heard))}\n`.replaceAll(/("[^"]+":\[)/g, "\n$1"));
} finally {
  await recogniser.close();
}

// Prompts in a row with half a second between them, at one level, until there is enough.
async function joined(paths) {
  const pieces = [];
  let length = 0;
  for (const path of paths) {
    if (length > TRAINING_S * 8000) break;
    const { samples } = await decodeAudio(path);
    const peak = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 1e-6);
    const piece = new Float32Array(samples.length + 4000);
    piece.set(samples.map((sample) => (sample * 0.5) / peak));
    pieces.push(piece);
    length += piece.length;
  }
  const result = new Float32Array(length);
  let at = 0;
  for (const piece of pieces) {
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}

function shuffled(items) {
  const random = new Random(3);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.between(0, i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
