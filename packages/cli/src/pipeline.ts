/** Puts the pipeline together: settings, engines, database, one run. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "@cofi/event-log/database";
import { Results } from "@cofi/evidence/results";
import type { StageName } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { runBatch, type BatchResult } from "@cofi/pipeline/run-batch";
import { DockerRuntime } from "@cofi/pipeline/runtime/docker";
import { dockerSettings, type DockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings, type PipelineSettings } from "@cofi/pipeline/settings";
import { loadTriageConfig, type TriageConfig } from "@cofi/pipeline/triage-config";
import { enginesInForce, urlsOf } from "./engines-in-force.js";
import { dataDir, prepareDataDir, spoolDir, untilAborted } from "./environment.js";
import { VERSION } from "./version.js";

export interface RunOptions {
  database: Database;
  folder: string;
  name?: string | undefined;
  batchId?: number | undefined;
  fresh?: boolean | undefined;
  signal: AbortSignal;
  report: (message: string) => void;
}

/** The settings of a run, all of them checked: nothing of a batch exists before. */
export interface ConfiguredPipeline {
  readonly settings: PipelineSettings;
  readonly triageConfig: TriageConfig;
  readonly openAi: OpenAiEngines;
  readonly docker: DockerSettings | null;
}

const COFI = fileURLToPath(new URL("../bin/cofi.js", import.meta.url));

/** Engines of one host share a folder: file_distribution writes it, the others read it. */
function engineCommand(stage: StageName): { file: string; args: string[] } {
  const filesDir = join(dataDir(), "files");
  return {
    file: process.execPath,
    args: [COFI, "engine", stage, "--port", "0", "--files-dir", filesDir, "--until-stdin-closes"],
  };
}

/** Reads the settings of the environment. @throws SettingsError; InputError for the file of COFI_TRIAGE_CONFIG */
export async function configuredPipeline(): Promise<ConfiguredPipeline> {
  const settings = pipelineSettings(process.env);
  prepareDataDir();
  const openAi = new OpenAiEngines(process.env, settings.requestTimeoutMs);
  const docker = dockerSettings(process.env);
  // A URL or an image that is wrong is reported now instead of when its stage begins.
  enginesInForce(openAi, docker);
  return { settings, openAi, docker, triageConfig: await loadTriageConfig(process.env) };
}

/** Runs a batch. @throws the errors of `runBatch` */
export async function runConfiguredBatch(
  { settings, triageConfig, openAi, docker: containers }: ConfiguredPipeline,
  { database, ...options }: RunOptions,
): Promise<BatchResult> {
  const client = new EngineClient(settings.requestTimeoutMs);
  const docker = containers && new DockerRuntime({ ...settings, client, settings: containers });
  const started = docker ?? new LocalProcessRuntime({ ...settings, client, command: engineCommand });
  const remote = new RemoteRuntime(urlsOf, client, settings);
  const runtime: Runtime = {
    start: (stage, ...rest) => (urlsOf(stage) ? remote : started).start(stage, ...rest),
  };
  try {
    return await runBatch({
      ...options,
      settings,
      triageConfig,
      client,
      openAi,
      runtime,
      version: VERSION,
      engines: enginesInForce(openAi, containers),
      spoolDir: spoolDir(),
      store: new Store(database),
      results: new Results(database),
    });
  } finally {
    const closing = Promise.all([client.close(), openAi.close(), docker?.close()]);
    // A host that does not answer must not hold up a command that was asked to stop.
    await untilAborted(options.signal, closing).catch((error: unknown) => {
      if (!options.signal.aborted) throw error;
    });
  }
}
