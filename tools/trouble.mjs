/** What goes wrong in a generated batch: with `trouble` as `TROUBLE` names it, else a mishap now and then. */

/** @typedef {{ name: string }} Recording */
/** @typedef {"vanish" | "hang" | "garbage" | "retry" | "fail0" | "fail1" | "well"} Fate */

/** The faults of `trouble`: their stages, and the names by which an operator must find them. */
export const TROUBLE = {
  unhealthyHost: "10.20.0.14",
  garbledStage: "lid",
  hungStage: "stt",
  failingStage: "denoise",
  causes: ["CUDA out of memory", "the recording has no audio stream"],
  vanishedBefore: "ivr",
};

/** @typedef {{ index: number, of: number, host: string | undefined, dice: number }} Circumstances `dice`: from 0 up to 1 */
/** The circumstances of a file that no host has taken yet. @type {Circumstances} */
export const NOT_BEGUN = { index: -1, of: 0, host: undefined, dice: 1 };

/**
 * Decides for each file in each stage what happens to it.
 * @param {boolean} trouble @param {Recording[]} recordings
 */
export function fatesOf(trouble, recordings) {
  const vanished = trouble ? (recordings[Math.floor(recordings.length / 2)]?.name ?? null) : null;
  return {
    vanished,
    /** @param {string} stage @param {Recording} file @param {Circumstances} circumstances @returns {Fate} */
    fateOf(stage, { name }, { index, of, host, dice }) {
      if (!trouble) return dice < 0.001 ? "fail0" : dice < 0.002 ? "fail1" : dice < 0.012 ? "retry" : "well";
      if (stage === TROUBLE.vanishedBefore && name === vanished) return "vanish";
      if (stage === TROUBLE.hungStage && index >= of / 4) return "hang";
      if (stage === TROUBLE.garbledStage && host === TROUBLE.unhealthyHost) return "garbage";
      if (stage === TROUBLE.failingStage && index % 33 === 7) return index % 2 === 0 ? "fail0" : "fail1";
      return "well";
    },
  };
}

/** @typedef {{ from: string, to: string, rule: string }} Step */

/**
 * What a pipeline says of the host that answers garbage: it is left out after three such answers in a row, tried again with one
 * file at a time, and back with the first good answer.
 * @param {(stage: import("@cofi/event-log/stages").StageName, step: Step) => Promise<void>} tell
 */
export function hostStepsOf(tell) {
  let faults = 0;
  let isOut = false;
  return {
    /** @param {import("@cofi/event-log/stages").StageName} stage */
    async begun(stage) {
      const rule = "it was left out in an earlier stage, and its pause is not over";
      if (isOut) await tell(stage, { from: "ejected", to: "ejected", rule });
    },
    /** @param {import("@cofi/event-log/stages").StageName} stage @param {string | undefined} host */
    async before(stage, host) {
      const rule = "it says that it is well; one file will show it";
      if (isOut && host === TROUBLE.unhealthyHost) await tell(stage, { from: "ejected", to: "probing", rule });
    },
    /** @param {import("@cofi/event-log/stages").StageName} stage @param {string | undefined} host @param {string | null} error */
    async after(stage, host, error) {
      if (host !== TROUBLE.unhealthyHost) return;
      if (error === null) {
        if (isOut) await tell(stage, { from: "probing", to: "healthy", rule: "it answers again" });
        isOut = false;
        faults = 0;
        return;
      }
      faults += 1;
      const why = isOut
        ? "The file that was to show whether it is well again got no answer"
        : `${faults} faults in a row`;
      if (!isOut && faults < 3) return;
      await tell(stage, { from: isOut ? "probing" : "healthy", to: "ejected", rule: `${why}. The last one: ${error}` });
      isOut = true;
    },
  };
}
