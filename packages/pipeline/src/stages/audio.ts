/** The stages that work on the sound: file_distribution, denoise, ivr and lid. */
import { admitCall, storeCalls } from "./call-records.js";
import {
  denoiseResponse,
  ivrResponse,
  lidResponse,
  type DenoiseResponse,
  type IvrResponse,
  type LidResponse,
} from "../hosts/engine-contract.js";
import type { Stage } from "../batch/runner.js";
import { activeFiles, askEngine, drop, keep, required, sha256Of, trimOf, type FileUnit } from "./recordings.js";

export const fileDistribution: Stage<FileUnit, { bytes: number; sha256: string }> = {
  name: "file_distribution",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { recording }, host) => ({
    batch_id: run.batchId,
    file_name: recording.fileName,
    bytes: recording.bytes,
    host: host?.url ?? null,
  }),
  ask: (run, { recording }, _payload, host, signal) =>
    run.client.upload(required(host), run.batchId, recording.fileName, recording.path, signal),
  isStale: async (_run, { recording }, answer) =>
    answer.bytes !== recording.bytes || answer.sha256 !== (await sha256Of(recording.path)),
  dropped: drop,
};

export const denoise: Stage<FileUnit, DenoiseResponse> = {
  name: "denoise",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({ batch_id: run.batchId, file_name: name }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "denoise", unit, payload, denoiseResponse, host, signal),
  accept: (run, { name }, answer) => keep(run.findings.denoise, name, answer),
  dropped: drop,
};

export const ivr: Stage<FileUnit, IvrResponse> = {
  name: "ivr",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({ batch_id: run.batchId, file_name: name }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "ivr", unit, payload, ivrResponse, host, signal),
  accept: (run, { name }, answer) => keep(run.findings.ivr, name, answer),
  dropped: drop,
};

export const lid: Stage<FileUnit, LidResponse> = {
  name: "lid",
  answeredBy: () => "engine",
  units: activeFiles,
  payload: (run, { name }) => ({
    batch_id: run.batchId,
    file_name: name,
    variant: "denoised",
    trim: trimOf(run, name),
  }),
  ask: (run, unit, payload, host, signal) => askEngine(run, "lid", unit, payload, lidResponse, host, signal),
  async accept(run, { name }, answer) {
    admitCall(run, name);
    await keep(run.findings.lid, name, answer);
  },
  dropped: drop,
  finish: storeCalls,
};
