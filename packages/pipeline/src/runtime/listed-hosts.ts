/** Hosts that run already, named by variables or by the file of `COFI_HOSTS_FILE`. */
import { STAGES, type StageName } from "@cofi/event-log/stages";
import type { HostsFile, ListedHost } from "./hosts-file.js";
import { keyOf, type EngineHost, type RunningEngines } from "./runtime.js";

/** Where a host is found, and how many files it takes at once. */
export type Addressed = Pick<EngineHost, "name" | "key" | "url" | "slots">;

/** The keys of hosts, by stage and URL: each keeps its own while others join and leave. */
export class HostKeys {
  readonly #listed: (stage: StageName) => readonly ListedHost[];
  #byStage: ReadonlyMap<StageName, Map<string, string>> | null = null;

  /** `listed`: the hosts of a stage at first, of which those in the same place have the same key in each stage. */
  constructor(listed: (stage: StageName) => readonly ListedHost[]) {
    this.#listed = listed;
  }

  /** By URL. */
  of(stage: StageName): Map<string, string> {
    this.#byStage ??= new Map(
      STAGES.map(({ name }) => {
        const keys = new Map<string, string>();
        addressedHosts(this.#listed(name), 1, keys);
        return [name, keys];
      }),
    );
    return this.#byStage.get(stage) ?? new Map();
  }
}

/** `slots`: of a host for which none are named. `keys`: by URL, those that are known; others are added. */
export function addressedHosts(
  listed: readonly ListedHost[],
  slots: number,
  keys = new Map<string, string>(),
): Addressed[] {
  const own = new Map(listed.map((host) => [host.url, host.slots]));
  return [...own].map(([url, ownSlots]) => {
    const name = nameIn(url);
    const known = [...keys.keys()].map((other) => ({ name: nameIn(other) }));
    const key = keys.get(url) ?? keyOf(name, known);
    keys.set(url, key);
    return { name, key, url, slots: ownSlots ?? slots };
  });
}

function nameIn(url: string): string {
  return new URL(url).hostname;
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
  const stop = (): Promise<void> => Promise.resolve();
  if (!file?.of(stage)) return { hosts: made(listed), stop };
  return {
    get hosts() {
      return made(file.of(stage) ?? []);
    },
    stop,
    watch(changed, failed) {
      const sayWhatIsMissing = (): void => {
        if (file.names(stage)) return;
        failed(
          `COFI_HOSTS_FILE does not name ${stage} any more. Its hosts stay in use; to take them away, name none: [].`,
        );
      };
      sayWhatIsMissing();
      const follow = (): void => {
        changed(made(file.of(stage) ?? []));
        sayWhatIsMissing();
      };
      return file.watch(known, follow, failed);
    },
  };
}
