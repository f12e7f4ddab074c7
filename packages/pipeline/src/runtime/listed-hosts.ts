/** Hosts that run already, named by variables or by the file of `COFI_HOSTS_FILE`. */
import type { StageName } from "@cofi/event-log/stages";
import type { HostsFile, ListedHost } from "./hosts-file.js";
import { addressed, type EngineHost, type RunningEngines } from "./runtime.js";

/** Where a host is found, and how many files it takes at once. */
export type Addressed = Pick<EngineHost, "name" | "key" | "url" | "slots">;

/** `slots`: of a host for which none are named. */
export function addressedHosts(listed: readonly ListedHost[], slots: number): Addressed[] {
  const own = new Map(listed.map((host) => [host.url, host.slots]));
  return addressed(listed.map(({ url }) => url)).map((host) => ({ ...host, slots: own.get(host.url) ?? slots }));
}

/** The hosts of a stage, as long as they are in use. `made`: of what is listed. */
export async function runningHosts(
  stage: StageName,
  listed: readonly ListedHost[],
  file: HostsFile | null,
  made: (listed: readonly ListedHost[]) => EngineHost[],
): Promise<RunningEngines> {
  // Nobody has watched it between the stages. One that cannot be used is reported by those who watch it from now on.
  await file?.refresh().catch(() => undefined);
  const known = file?.changes ?? 0;
  const hosts = made(file?.of(stage) ?? listed);
  const stop = (): Promise<void> => Promise.resolve();
  if (!file?.of(stage)) return { hosts, stop };
  return {
    hosts,
    stop,
    watch: (changed, failed) =>
      file.watch(
        known,
        () => {
          const now = file.of(stage);
          if (now) return changed(made(now));
          failed(
            `COFI_HOSTS_FILE does not name ${stage} any more. Its hosts stay in use; to take them away, name none: [].`,
          );
        },
        failed,
      ),
  };
}
