/** Which engine answers in each stage, as it is recorded with a run. */
import type { Json } from "@cofi/event-log/events";
import { STAGES, type StageName } from "@cofi/event-log/stages";
import type { OpenAiEngines } from "@cofi/pipeline/openai-client";
import type { DockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import type { HostsFile, ListedHost } from "@cofi/pipeline/runtime/hosts-file";
import { remoteUrls } from "@cofi/pipeline/runtime/remote";

/** Files are sent to the hosts that process them first, unless other receivers are configured. */
export function urlsOf(stage: StageName): string[] | null {
  return remoteUrls(stage, process.env) ?? (stage === "file_distribution" ? remoteUrls("denoise", process.env) : null);
}

/**
 * By stage: the URLs and model of servers, the URLs of hosts (those of the hosts file as it is now), the image of a container, or what the CPU engine depends on.
 * Holds no keys and no passwords.
 * @throws SettingsError for a URL that is wrong, and for a stage whose container has no image
 */
export function enginesInForce(
  openAi: OpenAiEngines,
  docker: DockerSettings | null,
  hostsFile: HostsFile | null,
): { [stage: string]: Json } {
  return Object.fromEntries(
    STAGES.map(({ name, kind }): [string, Json] => {
      const isHere = kind !== "engine" && name !== "file_distribution";
      return [name, isHere ? { runtime: "pipeline" } : engineOf(name, openAi, docker, hostsFile?.of(name) ?? null)];
    }),
  );
}

function engineOf(
  stage: StageName,
  openAi: OpenAiEngines,
  docker: DockerSettings | null,
  listed: readonly ListedHost[] | null,
): Json {
  const named = listed?.map(({ url }) => url);
  const server = openAi.serverOf(stage);
  if (server) return { runtime: "openai", urls: (named ?? server.urls).map(withoutQuery), model: server.model };
  const urls = named ?? urlsOf(stage);
  if (urls) return { runtime: "remote", urls: urls.map(withoutQuery) };
  if (docker) {
    const { image, gpus } = docker.image(stage);
    return { runtime: "docker", image, gpus, hosts: docker.endpoints.map(({ url }) => withoutQuery(url)) };
  }
  const env = process.env;
  if (stage === "ivr") return { runtime: "process", prompts: env["COFI_PROMPTS_DIR"] ?? null };
  if (stage === "stt") return { runtime: "process", model: env["COFI_POCKETSPHINX_MODEL"] ?? null };
  return { runtime: "process" };
}

/** What follows the path, and a user and password before the host, may be secrets. */
function withoutQuery(text: string): string {
  const url = new URL(text);
  for (const part of ["search", "hash", "username", "password"] as const) url[part] = "";
  return url.href;
}
