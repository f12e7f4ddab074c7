/** Puts the pipeline together: settings, engines, database, one run. */
import type { Database } from "@cofi/event-log/database";
import { Environment } from "@cofi/event-log/environment";
import { Results } from "@cofi/evidence/results";
import type { SigningKey } from "@cofi/evidence/seal-keys";
import { Sealer } from "@cofi/evidence/sealer";
import { Store } from "@cofi/event-log/store";
import { csvSettings, type CsvSettings } from "@cofi/pipeline/csv-settings";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { runBatch, type BatchResult } from "@cofi/pipeline/run-batch";
import { dockerSettings, type DockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { ModelServers } from "@cofi/pipeline/runtime/model-servers";
import { pipelineSettings, type PipelineSettings } from "@cofi/pipeline/settings";
import { loadSymbolMaster, type SymbolMaster } from "@cofi/pipeline/symbol-master";
import { loadTriageConfig, type TriageConfig } from "@cofi/pipeline/triage-config";
import { configuredEngines } from "./engines.js";
import { enginesInForce } from "./engines-in-force.js";
import { dataDir, prepareDataDir, signingKey, spoolDir, untilAborted } from "./environment.js";
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
  readonly csv: CsvSettings;
  readonly symbolMaster: SymbolMaster;
  /** By which the batch is sealed when it ends. */
  readonly key: SigningKey;
  readonly openAi: OpenAiEngines;
  readonly docker: DockerSettings | null;
  /** Names hosts in place of the variables. */
  readonly hostsFile: HostsFile | null;
}

/**
 * Reads the settings of the environment.
 * @throws SettingsError; InputError for the files of COFI_TRIAGE_CONFIG, COFI_CSV_MAPPING and COFI_SYMBOLS
 */
export async function configuredPipeline(): Promise<ConfiguredPipeline> {
  const settings = pipelineSettings(process.env);
  prepareDataDir();
  const key = signingKey();
  const openAi = new OpenAiEngines(process.env, settings.requestTimeoutMs, dataDir());
  const docker = dockerSettings(process.env);
  const path = new Environment(process.env).text("COFI_HOSTS_FILE");
  const hostsFile = path === undefined ? null : new HostsFile(path);
  // A URL or an image that is wrong is reported now instead of when its stage begins.
  enginesInForce(openAi, docker, hostsFile);
  const [triageConfig, symbolMaster] = [await loadTriageConfig(process.env), await loadSymbolMaster(process.env)];
  const csv = await csvSettings(process.env);
  return { settings, openAi, docker, hostsFile, csv, key, triageConfig, symbolMaster };
}

/** Runs a batch. @throws the errors of `runBatch` */
export async function runConfiguredBatch(
  { settings, triageConfig, csv, symbolMaster, key, openAi, docker: containers, hostsFile }: ConfiguredPipeline,
  { database, ...options }: RunOptions,
): Promise<BatchResult> {
  const store = new Store(database);
  const engines = configuredEngines(settings, containers, settings.requestTimeoutMs, store, hostsFile);
  try {
    return await runBatch({
      ...options,
      settings,
      triageConfig,
      csv,
      symbolMaster,
      client: engines.client,
      openAi,
      runtime: new ModelServers(openAi, engines.runtime, { ...settings, hostsFile }),
      version: VERSION,
      engines: enginesInForce(openAi, containers, hostsFile),
      spoolDir: spoolDir(),
      store,
      results: new Results(database),
      sealer: new Sealer(database, key),
    });
  } finally {
    const closing = Promise.all([engines.close(), openAi.close()]);
    // A host that does not answer must not hold up a command that was asked to stop.
    await untilAborted(options.signal, closing).catch((error: unknown) => {
      if (!options.signal.aborted) throw error;
    });
  }
}
