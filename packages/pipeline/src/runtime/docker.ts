/** Engines in containers: started for their stage on each Docker host, and removed after it. */
import { randomBytes } from "node:crypto";
import { SettingsError } from "@cofi/event-log/environment";
import type { StageName } from "@cofi/event-log/stages";
import type { FilePlace } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { randomToken } from "../hosts/engine-token.js";
import { DockerApi, DockerError, type ContainerInspection, type DeviceRequest } from "./docker-api.js";
import type { DockerSettings, StageImage } from "./docker-settings.js";
import {
  EngineStartError,
  UNHEARD,
  type FileKeeper,
  type RunningEngines,
  type Runtime,
  type RuntimeListener,
  keyOf,
} from "./runtime.js";
import { SupervisedEngine, type StartedEngine } from "./supervised-engine.js";

export interface DockerRuntimeOptions {
  settings: DockerSettings;
  /** Tells this machine's daemon, behind a socket, from that of another machine. */
  installation: string;
  client: EngineClient;
  /** That the engines ask for; one of their own when it is not set. */
  token?: string | undefined;
  slotsPerHost: number;
  engineStartTimeoutMs: number;
  /** Attempts of a file in a stage. */
  attempts: number;
}

/** Where an engine listens and where it keeps its files, inside the container. */
const PORT = 8080;
const FILES_DIR = "/files";

export class DockerRuntime implements Runtime, FileKeeper {
  readonly #options: DockerRuntimeOptions & { token: string };
  readonly #hosts: readonly DockerApi[];

  constructor(options: DockerRuntimeOptions) {
    this.#options = { ...options, token: options.token ?? randomToken() };
    this.#hosts = options.settings.endpoints.map((endpoint) => new DockerApi(endpoint));
  }

  async start(
    stage: StageName,
    batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    return this.#startOn(this.#hosts, stage, batchId, listener, signal);
  }

  filesAt(place: string, signal: AbortSignal): Promise<RunningEngines> | null {
    const hosts = this.#hosts.filter((docker) => this.#filesOf(docker).place === place);
    return hosts.length === 0 ? null : this.#startOn(hosts, "file_distribution", 0, UNHEARD, signal);
  }

  async #startOn(
    hosts: readonly DockerApi[],
    stage: StageName,
    batchId: number,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<RunningEngines> {
    const { settings, installation: _installation, ...options } = this.#options;
    const image = await asStartError(Promise.resolve(stage).then(settings.image));
    const engines: SupervisedEngine[] = [];
    const failures: unknown[] = [];
    await Promise.all(
      hosts.map(async (docker, index) => {
        const launch = (): Promise<StartedEngine> =>
          EngineContainer.start(
            docker,
            containerOf(stage, batchId, image, settings, this.#environment(docker)),
            settings.network,
          );
        try {
          await this.#removeLeftovers(docker, batchId, listener);
          const files = this.#filesOf(docker);
          const engine = new SupervisedEngine({
            ...options,
            stage,
            name: docker.host,
            key: keyOf(
              docker.host,
              hosts.slice(0, index).map(({ host: name }) => ({ name })),
            ),
            files,
            launch,
            listener,
            signal,
          });
          await engine.ready();
          engines.push(engine);
        } catch (error) {
          failures.push(error);
          listener.error((error as Error).message, { host: docker.host });
        }
      }),
    );
    if (engines.length === 0) throw failures[0];
    return {
      hosts: engines,
      stop: async (hurry) => void (await Promise.all(engines.map((engine) => engine.stop(hurry)))),
    };
  }

  /** Inside a container an engine listens on every address, so it asks for a token; the daemon's host is how it is reached. */
  #environment({ host }: DockerApi): string[] {
    return [`COFI_ENGINE_TOKEN=${this.#options.token}`, `COFI_ENGINE_HOSTS=${host}`];
  }

  #filesOf({ endpoint, isUnix }: DockerApi): FilePlace {
    const { settings, installation } = this.#options;
    const place = `docker:${endpoint}#${settings.filesVolume}${isUnix ? `@${installation}` : ""}`;
    return { place, description: `the volume ${settings.filesVolume} of the Docker daemon at ${endpoint}` };
  }

  /** Ends the connections to the daemons; containers that run are left to `stop` of their stage. */
  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((docker) => docker.close()));
  }

  /** Whoever holds the lease of the batch is the only one to run engines for it: what is there was left by a crash. */
  async #removeLeftovers(docker: DockerApi, batchId: number, listener: RuntimeListener): Promise<void> {
    const labels = labelsOf(batchId, this.#options.settings.project);
    for (const id of await asStartError(docker.withLabels(labels.map(([key, value]) => `${key}=${value}`)))) {
      await asStartError(docker.remove(id));
      listener.info(`A container that an earlier run left on ${docker.host} was removed`, { container: shortId(id) });
    }
  }
}

interface ContainerRequest {
  name: string;
  image: string;
  devices: DeviceRequest[];
  body: object;
}

class EngineContainer implements StartedEngine {
  readonly details: { container: string; image: string };
  readonly ended: Promise<string>;
  readonly #docker: DockerApi;
  readonly #id: string;
  readonly #network: string | null;
  /** Ends the wait for the container when it is stopped on purpose. */
  readonly #removed = new AbortController();
  #hasEnded = false;
  #stopped: Promise<void> | null = null;

  /** Creates and starts the container, and makes sure that it got what was asked for. @throws EngineStartError */
  static async start(docker: DockerApi, wanted: ContainerRequest, network: string | null): Promise<EngineContainer> {
    const id = await asStartError(docker.create(wanted.name, wanted.body), wanted.image);
    try {
      await docker.start(id);
      const missing = missingDevices(wanted.devices, await docker.inspect(id));
      if (missing) throw new EngineStartError(`${wanted.image} on ${docker.host}: ${missing}`);
    } catch (error) {
      await docker.remove(id);
      throw error instanceof DockerError ? new EngineStartError(error.message, { cause: error }) : error;
    }
    return new EngineContainer(docker, id, wanted.image, network);
  }

  private constructor(docker: DockerApi, id: string, image: string, network: string | null) {
    this.#docker = docker;
    this.#id = id;
    this.#network = network;
    this.details = { container: shortId(id), image };
    this.ended = this.#end();
  }

  async url(): Promise<string> {
    const { NetworkSettings: network } = await this.#docker.inspect(this.#id);
    if (this.#network !== null) {
      const address = network.Networks?.[this.#network]?.IPAddress;
      if (!address) throw new EngineStartError(`Container ${shortId(this.#id)} has no address in ${this.#network}.`);
      return `http://${address}:${PORT}`;
    }
    const port = network.Ports?.[`${PORT}/tcp`]?.[0]?.HostPort;
    // A container that ended at once has no ports; `ended` tells why.
    if (!port) return new Promise(() => undefined);
    return `http://${this.#docker.host}:${port}`;
  }

  stop(graceMs: number): Promise<void> {
    // The daemon waits for the container as long as it was asked to first; removing it does not.
    if (this.#stopped && graceMs === 0) return this.#docker.remove(this.#id);
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#removed.abort();
    if (!this.#hasEnded && graceMs > 0) await this.#docker.stop(this.#id, Math.ceil(graceMs / 1000));
    this.#hasEnded = true;
    await this.#docker.remove(this.#id);
  }

  async #end(): Promise<string> {
    try {
      const code = await this.#docker.wait(this.#id, this.#removed.signal);
      this.#hasEnded = true;
      const { State: state } = await this.#docker.inspect(this.#id);
      const cause = state.OOMKilled ? "for lack of memory" : `with exit code ${code}`;
      return `ended ${cause}: ${(await this.#docker.lastLines(this.#id)) || "it printed nothing."}`;
    } catch (error) {
      this.#hasEnded = true;
      return this.#removed.signal.aborted ? "was stopped." : `is not watched any more: ${(error as Error).message}`;
    }
  }
}

function containerOf(
  stage: StageName,
  batchId: number,
  { image, isCofi, gpus }: StageImage,
  { project, network, filesVolume, endpoints }: DockerSettings,
  environment: readonly string[],
): ContainerRequest {
  const devices: DeviceRequest[] =
    gpus === null
      ? []
      : [{ Driver: "nvidia", Capabilities: [["gpu"]], ...(gpus === "all" ? { Count: -1 } : { DeviceIDs: gpus }) }];
  const isLocal = endpoints.every(({ url }) => url.startsWith("unix:"));
  const command = ["engine", stage, "--host", "0.0.0.0", "--port", String(PORT), "--files-dir", FILES_DIR];
  return {
    name: `${project}-${batchId}-${stage.replaceAll("_", "-")}-${randomBytes(3).toString("hex")}`,
    image,
    devices,
    body: {
      Image: image,
      ...(isCofi ? { Cmd: command } : {}),
      Env: [`PORT=${PORT}`, `STAGE=${stage}`, `FILES_DIR=${FILES_DIR}`, ...environment],
      Labels: Object.fromEntries([...labelsOf(batchId, project), ["cofi.stage", stage]]),
      ExposedPorts: { [`${PORT}/tcp`]: {} },
      HostConfig: {
        // Engines of one host share their files: what file_distribution puts there, the others read.
        Mounts: [{ Type: "volume", Source: filesVolume, Target: FILES_DIR }],
        DeviceRequests: devices,
        SecurityOpt: ["no-new-privileges:true"],
        RestartPolicy: { Name: "no" },
        ...(network === null
          ? { PortBindings: { [`${PORT}/tcp`]: [{ HostIp: isLocal ? "127.0.0.1" : "", HostPort: "" }] } }
          : { NetworkMode: network }),
      },
    },
  };
}

function labelsOf(batchId: number, project: string): [string, string][] {
  return [
    ["cofi.project", project],
    ["cofi.batch", String(batchId)],
  ];
}

/** Podman starts a container that asks for a GPU without one, and says nothing. */
function missingDevices(wanted: readonly DeviceRequest[], { HostConfig: got }: ContainerInspection): string | null {
  if (wanted.length === 0 || (got.DeviceRequests ?? []).length === wanted.length) return null;
  return "a GPU was asked for and the container has none. Install the NVIDIA Container Toolkit on that host.";
}

async function asStartError<T>(work: Promise<T>, image?: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DockerError || error instanceof SettingsError)) throw error;
    const hint =
      error instanceof DockerError && error.status === 404 && image
        ? ` Fetch it there first: docker pull ${image}`
        : "";
    throw new EngineStartError(error.message + hint, { cause: error });
  }
}

function shortId(id: string): string {
  return id.slice(0, 12);
}
