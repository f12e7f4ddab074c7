/** The stages that work on the sound: file_distribution, denoise, ivr and lid. */
import type { Json } from "@cofi/event-log/events";
import { defineStage } from "../batch/stage.js";
import { checkDurations } from "../csv/calls-csv.js";
import {
  denoiseResponse,
  ivrResponse,
  lidResponse,
  uploadResponse,
  type DenoiseResponse,
  type IvrResponse,
  type LidResponse,
} from "../hosts/engine-contract.js";
import { InputRowError } from "../input-error.js";
import {
  answerOf,
  askEngine,
  drop,
  prepare,
  recordingsOf,
  required,
  sha256Of,
  trimOf,
  upload,
  type FileUnit,
} from "./recordings.js";

export const fileDistribution = defineStage<never, FileUnit, { bytes: number; sha256: string }>(
  "file_distribution",
  [],
  (context) => ({
    answeredBy: "engine",
    plan: async () => ({ units: recordingsOf(context) }),
    payload: async ({ recording }, host) => ({
      batch_id: context.batchId,
      file_name: recording.fileName,
      bytes: recording.bytes,
      sha256: await sha256Of(recording.path, recording.bytes),
      host: host?.url ?? null,
    }),
    ask: ({ recording }, payload, host, signal) => {
      const sha256 = fieldOf(payload, "sha256");
      return upload(context, recording, required(host), signal, typeof sha256 === "string" ? sha256 : null);
    },
    answerFrom: answerOf(uploadResponse),
    metadata: ({ recording }, host) => ({ fileVersion: recording.version, placedOn: host?.key ?? null }),
    accept({ name }, _answer, metadata) {
      const placedOn = fieldOf(metadata, "placedOn");
      if (typeof placedOn === "string") context.derived.note(name, placedOn);
    },
    // A file that was not touched since has the same content: a hundred thousand recordings need not be read for it.
    isStale({ recording }, answer, metadata) {
      if (answer.bytes !== recording.bytes) return true;
      if (fieldOf(metadata, "fileVersion") === recording.version) return false;
      return sha256Of(recording.path, recording.bytes).then((sha256) => sha256 !== answer.sha256);
    },
    dropped: drop(context),
  }),
);

export const denoise = defineStage<never, FileUnit, DenoiseResponse>("denoise", [], (context) => ({
  answeredBy: "engine",
  liesOn: (name) => context.derived.liesOn(name),
  plan: async () => ({ units: recordingsOf(context) }),
  payload: ({ name }) => ({ batch_id: context.batchId, file_name: name }),
  prepare: (unit, payload, host, signal) => prepare(context, "denoise", unit, payload, host, signal),
  async ask(unit, payload, host, signal, again) {
    const asked = await askEngine(context, "denoise", unit, payload, denoiseResponse, host, signal, again);
    context.derived.noteDenoised(unit.name, required(host).key);
    return asked;
  },
  answerFrom: answerOf(denoiseResponse),
  metadata: (_unit, _host, { notes }) => notesToKeep(notes),
  dropped: drop(context),
}));

export const ivr = defineStage<never, FileUnit, IvrResponse>("ivr", [], (context) => ({
  answeredBy: "engine",
  liesOn: (name) => context.derived.liesOn(name),
  plan: async () => ({ units: recordingsOf(context) }),
  payload: ({ name }) => ({ batch_id: context.batchId, file_name: name }),
  prepare: (unit, payload, host, signal) => prepare(context, "ivr", unit, payload, host, signal),
  ask: (unit, payload, host, signal, again) =>
    askEngine(context, "ivr", unit, payload, ivrResponse, host, signal, again),
  answerFrom: answerOf(ivrResponse),
  metadata: (_unit, _host, { notes }) => notesToKeep(notes),
  accept: ({ name }, answer) => context.measured.noteSpeech(name, answer),
  dropped: drop(context),
}));

export const lid = defineStage<"calls" | "ivr", FileUnit, LidResponse>("lid", ["calls", "ivr"], (context) => ({
  answeredBy: "engine",
  liesOn: (name) => context.derived.liesOn(name),
  plan: async () => ({ units: recordingsOf(context) }),
  payload: ({ name }) => ({
    batch_id: context.batchId,
    file_name: name,
    variant: "denoised",
    trim: trimOf(context.measured, name),
  }),
  prepare: (unit, payload, host, signal) => prepare(context, "lid", unit, payload, host, signal),
  ask: (unit, payload, host, signal, again) =>
    askEngine(context, "lid", unit, payload, lidResponse, host, signal, again),
  answerFrom: answerOf(lidResponse),
  /**
   * Lets a recording's call into the batch, now that its real duration is known.
   * @throws InputRowError DURATION_MISMATCH when calls.csv says another duration: a person must say which of the two is wrong
   */
  accept({ name }, answer) {
    context.measured.noteLanguage(name, answer);
    const call = context.calls.of(name);
    const measured = context.measured.speechOf(name)?.durationS;
    if (!call || measured === undefined) return;
    const [error] = checkDurations([call], new Map([[name, measured]])).errors;
    if (!error) return;
    context.calls.remove(name);
    throw new InputRowError(error.code, error.message);
  },
  dropped: drop(context),
}));

/** What an engine tolerated in a recording stands on the event that says that the recording is done. */
function notesToKeep(notes: string[] | undefined): { notes: string[] } | undefined {
  return notes === undefined || notes.length === 0 ? undefined : { notes };
}

/** Of a payload or of the metadata of an event; undefined when it does not say. */
function fieldOf(metadata: Json, field: string): Json | undefined {
  return typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? metadata[field] : undefined;
}
