/** Where engines come from, by the settings: processes of this machine, containers, or hosts of their own. */
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StageName } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { engineToken } from "@cofi/pipeline/engine-token";
import { DockerRuntime } from "@cofi/pipeline/runtime/docker";
import type { DockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import type { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { FileKeeper, Runtime } from "@cofi/pipeline/runtime/runtime";
import type { PipelineSettings } from "@cofi/pipeline/settings";
import { urlsOf } from "./engines-in-force.js";
import { dataDir, prepareDataDir } from "./environment.js";

export interface ConfiguredEngines {
  readonly client: EngineClient;
  readonly runtime: Runtime;
  /** All that may know where recordings lie. */
  readonly keepers: readonly FileKeeper[];
  close(): Promise<void>;
}

const COFI = fileURLToPath(new URL("../bin/cofi.js", import.meta.url));

/** Engines of one host share a folder: file_distribution writes it, the others read it. */
function filesDir(): string {
  return join(dataDir(), "files");
}

function engineCommand(stage: StageName): { file: string; args: string[] } {
  return {
    file: process.execPath,
    args: [COFI, "engine", stage, "--port", "0", "--files-dir", filesDir(), "--until-stdin-closes"],
  };
}

/** Tells this data folder from all others, wherever it is mounted; made when it is asked for first. @throws SettingsError */
function installationId(): string {
  prepareDataDir();
  const path = join(dataDir(), "installation-id");
  try {
    writeFileSync(path, `${randomUUID()}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(path, "utf8").trim();
}

/** What the database calls the folder in which engines of this data folder keep their files. */
function placeOf(installation: string): string {
  return `folder:${installation}`;
}

/** Where the engines that this installation starts keep their files. @throws SettingsError */
export function ownFiles(): { place: string; path: string } {
  return { place: placeOf(installationId()), path: filesDir() };
}

/** `requestTimeoutMs`: the longest time that one request to an engine may take. @throws SettingsError */
export function configuredEngines(
  settings: PipelineSettings,
  containers: DockerSettings | null,
  requestTimeoutMs: number,
  store: Store,
  hostsFile: HostsFile | null,
): ConfiguredEngines {
  const client = new EngineClient(requestTimeoutMs);
  const installation = installationId();
  const token = engineToken(process.env);
  const files = { place: placeOf(installation), description: `${filesDir()} on ${hostname()}` };
  const local = new LocalProcessRuntime({ ...settings, client, token, files, command: engineCommand });
  const docker =
    containers && new DockerRuntime({ ...settings, store, client, token, installation, settings: containers });
  const { slotsPerHost } = settings;
  const remote = new RemoteRuntime(urlsOf, client, { slotsPerHost, token, hostsFile });
  const started = docker ?? local;
  const runtimeOf = (stage: StageName): Runtime => (hostsFile?.of(stage) || urlsOf(stage) ? remote : started);
  return {
    client,
    runtime: {
      start: (stage, ...rest) => runtimeOf(stage).start(stage, ...rest),
      machinesOf: (stage) => runtimeOf(stage).machinesOf(stage),
    },
    keepers: [remote, local, ...(docker ? [docker] : [])],
    close: async () => void (await Promise.all([client.close(), docker?.close()])),
  };
}
