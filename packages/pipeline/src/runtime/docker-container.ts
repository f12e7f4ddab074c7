/** A container with an engine: what is asked of the Docker daemon for it, and its life. */
import { randomBytes } from "node:crypto";
import { SettingsError } from "@cofi/event-log/environment";
import type { StageName } from "@cofi/event-log/stages";
import { DockerError, type ContainerInspection, type DeviceRequest, type DockerApi } from "./docker-api.js";
import type { ContainerLimits, DockerSettings, StageImage } from "./docker-settings.js";
import { EngineStartError } from "./runtime.js";
import type { StartedEngine } from "./supervised-engine.js";

/** Where an engine listens and where it keeps its files, inside the container. */
const PORT = 8080;
const FILES_DIR = "/files";

/** Labels of a container: whose it is. */
export const BATCH = "cofi.batch";
export const RUN = "cofi.run";

interface ContainerRequest {
  name: string;
  image: string;
  devices: DeviceRequest[];
  body: object;
}

/** One container with an engine in it. */
export class EngineContainer implements StartedEngine {
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

/** What is asked of the daemon. */
export function containerOf(
  stage: StageName,
  labels: Readonly<Record<string, string>>,
  { image, isCofi, gpus, limits }: StageImage,
  { project, network, filesVolume, endpoints, environment: handedOn }: DockerSettings,
  environment: readonly string[],
): ContainerRequest {
  const devices: DeviceRequest[] =
    gpus === null
      ? []
      : [{ Driver: "nvidia", Capabilities: [["gpu"]], ...(gpus === "all" ? { Count: -1 } : { DeviceIDs: gpus }) }];
  const isLocal = endpoints.every(({ url }) => url.startsWith("unix:"));
  const command = ["engine", stage, "--host", "0.0.0.0", "--port", String(PORT), "--files-dir", FILES_DIR];
  return {
    name: `${project}-${labels[BATCH]}-${stage.replaceAll("_", "-")}-${randomBytes(3).toString("hex")}`,
    image,
    devices,
    body: {
      Image: image,
      ...(isCofi ? { Cmd: command } : {}),
      Env: [`PORT=${PORT}`, `STAGE=${stage}`, `FILES_DIR=${FILES_DIR}`, ...environment, ...(isCofi ? handedOn : [])],
      Labels: labels,
      ExposedPorts: { [`${PORT}/tcp`]: {} },
      HostConfig: {
        // Engines of one host share their files: what file_distribution puts there, the others read.
        Mounts: [{ Type: "volume", Source: filesVolume, Target: FILES_DIR }],
        DeviceRequests: devices,
        ...confinement(limits),
        RestartPolicy: { Name: "no" },
        ...(network === null
          ? { PortBindings: { [`${PORT}/tcp`]: [{ HostIp: isLocal ? "127.0.0.1" : "", HostPort: "" }] } }
          : { NetworkMode: network }),
      },
    },
  };
}

/** What a container may do and take: it decodes what strangers have recorded. */
function confinement({ memoryMb, cpus, pids, tmpfs }: ContainerLimits): object {
  const memory = memoryMb * 1024 * 1024;
  return {
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges:true"],
    ReadonlyRootfs: true,
    // Programs may be run from there: some model servers compile theirs as they start.
    Tmpfs: Object.fromEntries(tmpfs.map((folder) => [folder, "rw,exec,nosuid,nodev,mode=1777"])),
    Memory: memory,
    // No swap beside it.
    MemorySwap: memory,
    PidsLimit: pids,
    ...(cpus === null ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
  };
}

/** Podman starts a container that asks for a GPU without one, and says nothing. */
function missingDevices(wanted: readonly DeviceRequest[], { HostConfig: got }: ContainerInspection): string | null {
  const described = ({ Count, DeviceIDs }: DeviceRequest): string => `${Count ?? 0} ${(DeviceIDs ?? []).join()}`;
  const seen = (got.DeviceRequests ?? []).map(described);
  if (wanted.every((request) => seen.includes(described(request)))) return null;
  return "a GPU was asked for and the container has none. Install the NVIDIA Container Toolkit on that host.";
}

/** @throws EngineStartError in place of what a daemon refuses and of a setting that is wrong; `image`: that may have to be fetched first */
export async function asStartError<T>(work: Promise<T>, image?: string): Promise<T> {
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

/** As the docker command shows it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
