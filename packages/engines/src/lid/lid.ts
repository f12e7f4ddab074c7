import { decodeAudio, type AudioLimits } from "../audio/audio.js";
import { CLEARLY_ENGLISH_GAP, identifyLanguage, type Evidence } from "./lid-decision.js";
import { languageScores, readPhoneCounts, type PhoneCounts } from "./lid-phones.js";
import { ENGINES_VERSION } from "../server/package-version.js";
import { Pocketsphinx, type Hypothesis, type Speech } from "../stt/pocketsphinx.js";
import { parseSpeechRequest, requestedFile } from "../stt/pocketsphinx-request.js";
import type { StageEngine } from "../server/stage-engine.js";

/** Speech is judged in pieces of this length, up to this much of it, in seconds: more changes little and costs time. */
const LISTENING = { utteranceS: 10, maxSpeechS: 30 };

/**
 * The stage `lid`: tells whether English is spoken, by how well English words fit the sound compared with a free sequence of
 * phones; if it is not, which of the languages of data/lid has such sequences of phones. `und` when neither is clear.
 */
export function createEngine(limits: AudioLimits = {}): StageEngine {
  const recogniser = new Pocketsphinx("lid");
  let phoneCounts: PhoneCounts | undefined;
  return {
    stage: "lid",
    engine: { name: "cofi-lid", version: ENGINES_VERSION, model: "pocketsphinx-en-us+phone-ngrams" },

    async load() {
      phoneCounts = await readPhoneCounts();
      await recogniser.load();
    },

    async process(body, files, gone) {
      if (phoneCounts === undefined) throw new Error("The engine is not loaded");
      const counts = phoneCounts;
      const request = parseSpeechRequest(body);
      const reading = { ...limits, name: request.fileName, gone };
      const { samples, notes } = await decodeAudio(await requestedFile(request, files), reading);
      const options = { samples, trim: request.trim, joined: LISTENING };
      const evidence = await recogniser.withSpeech(options, gone, (speech) => gatherEvidence(speech, counts));
      return { ...identifyLanguage(evidence), notes };
    },

    close: () => recogniser.close(),
  };
}

async function gatherEvidence(speech: Speech, counts: PhoneCounts): Promise<Evidence> {
  const [phones, domain] = await Promise.all([speech.recognise("phones"), speech.recognise("domain")]);
  const domainGap = meanGap(speech, domain, phones);
  // General English takes the longest to fit: it is asked only where the words of the dealing desk do not settle it.
  const settled = domainGap === undefined || domainGap > CLEARLY_ENGLISH_GAP;
  const generalGap = settled ? undefined : meanGap(speech, await speech.recognise("general"), phones);
  const heard = phones.map((one) => one?.text.split(" ").filter((phone) => phone !== "" && phone !== "SIL") ?? []);
  return {
    speechS: speech.utterances.reduce((sum, { speechS }) => sum + speechS, 0),
    domainGap,
    generalGap,
    phoneScores: languageScores(counts, heard),
  };
}

/** The score of the words less that of the phone loop, per frame, over the whole speech. */
function meanGap(
  { utterances }: Speech,
  words: readonly (Hypothesis | undefined)[],
  phones: readonly (Hypothesis | undefined)[],
): number | undefined {
  let sum = 0;
  let seconds = 0;
  for (const [i, { speechS }] of utterances.entries()) {
    const [word, phone] = [words[i], phones[i]];
    if (!word || !phone) continue;
    sum += (word.scorePerFrame - phone.scorePerFrame) * speechS;
    seconds += speechS;
  }
  return seconds === 0 ? undefined : sum / seconds;
}
