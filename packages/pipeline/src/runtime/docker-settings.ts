/** Which engines run in which containers where: `COFI_RUNTIME=docker` and what belongs to it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment, SettingsError } from "@cofi/event-log/environment";
import type { StageName } from "@cofi/event-log/stages";
import type { DockerEndpoint } from "./docker-api.js";

export interface StageImage {
  image: string;
  /** An image of Cofi: started as `engine <stage>`. Others are started as they are and serve docs/engines.md on `$PORT`. */
  isCofi: boolean;
  /** Ids of GPUs, all of them, or none. */
  gpus: "all" | string[] | null;
  limits: ContainerLimits;
}

/** What one container may take of its host. */
export interface ContainerLimits {
  memoryMb: number;
  /** Processors; null: all that the host has. */
  cpus: number | null;
  /** Processes and threads. */
  pids: number;
  /** Folders in memory: the rest of the container can only be read. */
  tmpfs: readonly string[];
}

export interface DockerSettings {
  endpoints: readonly DockerEndpoint[];
  /** Tells the containers of one installation of Cofi from those of others on the same host. */
  project: string;
  /** The network in which the pipeline itself runs in a container; null: ports are published. */
  network: string | null;
  /** Volume of the recordings on each host. */
  filesVolume: string;
  /** Settings of the engines that are handed on to those of Cofi's image, as `NAME=value`. */
  environment: readonly string[];
  /** @throws SettingsError when no image is named for the stage */
  image(stage: StageName): StageImage;
}

const HANDED_ON = [
  "COFI_MAX_AUDIO_S",
  "COFI_RAW_AUDIO_RATE",
  "COFI_RAW_AUDIO_CHANNELS",
  "COFI_RAW_AUDIO_CODEC",
  "COFI_LOG_LEVEL",
];

/** Null when `COFI_RUNTIME` is not `docker`. @throws SettingsError */
export function dockerSettings(env: NodeJS.ProcessEnv): DockerSettings | null {
  const runtime = env["COFI_RUNTIME"]?.trim() || "process";
  if (runtime === "process") return null;
  if (runtime !== "docker")
    throw new SettingsError(`COFI_RUNTIME is ${JSON.stringify(runtime)}; expected process or docker.`);
  const urls = env["COFI_DOCKER_HOSTS"]?.trim() || env["DOCKER_HOST"]?.trim() || "unix:///var/run/docker.sock";
  const tls = tlsOf(env);
  return {
    endpoints: urls.split(",").map((part) => endpoint(part.trim(), tls)),
    project: env["COFI_DOCKER_PROJECT"]?.trim() || "cofi",
    network: env["COFI_DOCKER_NETWORK"]?.trim() || null,
    filesVolume: env["COFI_DOCKER_FILES_VOLUME"]?.trim() || "cofi-files",
    environment: HANDED_ON.flatMap((name) => (env[name]?.trim() ? [`${name}=${env[name].trim()}`] : [])),
    image: (stage) => imageOf(stage, env),
  };
}

function endpoint(url: string, tls: DockerEndpoint["tls"]): DockerEndpoint {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === "unix:" && parsed.pathname !== "") return { url };
  if (parsed?.protocol === "tcp:" && parsed.hostname !== "") return { url, tls };
  throw new SettingsError(
    `COFI_DOCKER_HOSTS (or DOCKER_HOST) holds ${JSON.stringify(url)}; expected unix:///path or tcp://host:port, comma separated.`,
  );
}

/** As the docker command reads them: `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`. */
function tlsOf(env: NodeJS.ProcessEnv): DockerEndpoint["tls"] {
  const folder = env["DOCKER_CERT_PATH"]?.trim();
  if (!env["DOCKER_TLS_VERIFY"]?.trim() || !folder) return undefined;
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch (error) {
      throw new SettingsError(`DOCKER_CERT_PATH: ${(error as Error).message}`);
    }
  };
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

function imageOf(stage: StageName, env: NodeJS.ProcessEnv): StageImage {
  const variable = `COFI_ENGINE_${stage.toUpperCase()}`;
  const own = env[`${variable}_IMAGE`]?.trim();
  const image = own || env["COFI_ENGINE_IMAGE"]?.trim();
  if (!image)
    throw new SettingsError(
      `COFI_RUNTIME is docker, but neither ${variable}_IMAGE nor COFI_ENGINE_IMAGE names an image.`,
    );
  const gpus = env[`${variable}_GPUS`]?.trim();
  return {
    image,
    isCofi: !own,
    gpus: !gpus ? null : gpus === "all" ? "all" : gpus.split(",").map((id) => id.trim()),
    limits: limitsOf(variable, env),
  };
}

/** Of the stage, or else of all stages. @throws SettingsError */
function limitsOf(variable: string, variables: NodeJS.ProcessEnv): ContainerLimits {
  const env = new Environment(variables);
  const nameOf = (what: string): string =>
    env.text(`${variable}_${what}`) === undefined ? `COFI_ENGINE_${what}` : `${variable}_${what}`;
  const cpus = env.text(nameOf("CPUS"));
  if (cpus !== undefined && !(/^\d{1,4}(?:\.\d{1,2})?$/.test(cpus) && Number(cpus) > 0))
    env.wrong(nameOf("CPUS"), "a number of processors such as 4 or 1.5");
  const tmpfs = (env.text(nameOf("TMPFS")) ?? "/tmp").split(",").map((folder) => folder.trim());
  if (!tmpfs.every((folder) => /^\/[^:]+$/.test(folder)))
    env.wrong(nameOf("TMPFS"), "absolute folders, comma separated");
  const limits = {
    memoryMb: env.wholeNumber(nameOf("MEMORY_MB"), 8_192, 64, 16_777_216),
    cpus: cpus === undefined ? null : Number(cpus),
    pids: env.wholeNumber(nameOf("PIDS"), 1_024, 16, 4_194_304),
    tmpfs,
  };
  env.check();
  return limits;
}
