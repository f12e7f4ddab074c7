import { decodeAudio, type AudioLimits } from "../audio/audio.js";
import { identifyLanguage, isCertain, isNotEnglish, mayBeGeneralEnglish, type Evidence } from "./lid-decision.js";
import { languageScores, readPhoneCounts, type PhoneCounts } from "./lid-phones.js";
import { ENGINES_VERSION } from "../server/package-version.js";
import { Pocketsphinx, type Hypothesis, type Pass, type Speech } from "../stt/pocketsphinx.js";
import { parseSpeechRequest, requestedFile } from "../stt/pocketsphinx-request.js";
import type { StageEngine } from "../server/stage-engine.js";

/** Speech is judged in pieces of this length, up to this much of it, in seconds: more changes little and costs time. */
const LISTENING = { utteranceS: 9, maxSpeechS: 30 };

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

/**
 * Listens to the first utterance, and to the others only where that leaves open which language is spoken. General English takes the
 * longest to fit: it is asked only where neither the words of the dealing desk nor the phones settle it.
 */
async function gatherEvidence(speech: Speech, counts: PhoneCounts): Promise<Evidence> {
  const heard = new HeardSpeech(speech, counts);
  await heard.listen(["quick-phones", "quick-domain"], 1);
  if (isCertain(heard.evidence())) return heard.evidence();
  if (mayBeGeneralEnglish(heard.evidence())) await heard.listen(["quick-general"], 1);
  if (isCertain(heard.evidence())) return heard.evidence();
  await heard.listen(
    isNotEnglish(heard.evidence()) ? ["quick-phones"] : ["quick-phones", "quick-domain", "quick-general"],
  );
  return heard.evidence();
}

/** What the recogniser has heard so far, pass by pass, from the first utterance on. */
class HeardSpeech {
  readonly #speech: Speech;
  readonly #counts: PhoneCounts;
  readonly #heard = new Map<Pass, (Hypothesis | undefined)[]>();

  constructor(speech: Speech, counts: PhoneCounts) {
    this.#speech = speech;
    this.#counts = counts;
  }

  /** Has these passes listen to the utterances before place `to` that they have not heard. */
  async listen(passes: readonly Pass[], to = this.#speech.utterances.length): Promise<void> {
    const heard = async (pass: Pass): Promise<void> => {
      const before = this.#heard.get(pass) ?? [];
      this.#heard.set(pass, [...before, ...(await this.#speech.recognise(pass, before.length, to))]);
    };
    await Promise.all(passes.map(heard));
  }

  evidence(): Evidence {
    const phones = this.#heard.get("quick-phones") ?? [];
    const sequences = phones.map(
      (one) => one?.text.split(" ").filter((phone) => phone !== "" && phone !== "SIL") ?? [],
    );
    return {
      speechS: this.#speech.utterances.slice(0, phones.length).reduce((sum, { speechS }) => sum + speechS, 0),
      domainGap: this.#meanGap("quick-domain"),
      generalGap: this.#meanGap("quick-general"),
      phoneScores: languageScores(this.#counts, sequences),
    };
  }

  /** The score of the words less that of the phone loop, per frame, over the speech that both have heard. */
  #meanGap(words: Pass): number | undefined {
    const [word, phone] = [this.#heard.get(words) ?? [], this.#heard.get("quick-phones") ?? []];
    let sum = 0;
    let seconds = 0;
    for (const [i, { speechS }] of this.#speech.utterances.entries()) {
      const [wordScore, phoneScore] = [word[i]?.scorePerFrame, phone[i]?.scorePerFrame];
      if (wordScore === undefined || phoneScore === undefined) continue;
      sum += (wordScore - phoneScore) * speechS;
      seconds += speechS;
    }
    return seconds === 0 ? undefined : sum / seconds;
  }
}
