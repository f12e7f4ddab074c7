/** Engines in containers: started for their stage on each Docker host, and removed after it. */
import type { StageName } from "@cofi/event-log/stages";
import type { FilePlace, Store } from "@cofi/event-log/store";
import { whenAvailable } from "../batch/when-available.js";
import type { EngineClient } from "../hosts/engine-client.js";
import { randomToken } from "../hosts/engine-token.js";
import { DockerApi } from "./docker-api.js";
import { asStartError, BATCH, containerOf, EngineContainer, RUN, shortId } from "./docker-container.js";
import type { DockerSettings } from "./docker-settings.js";
import { keyOf, UNHEARD, type FileKeeper, type RunningEngines, type Runtime, type RuntimeListener } from "./runtime.js";
import { SupervisedEngine, type StartedEngine } from "./supervised-engine.js";

export interface DockerRuntimeOptions {
  settings: DockerSettings;
  /** Tells this machine's daemon, behind a socket, from that of another machine. */
  installation: string;
  /** Where runs are known: what a run that is over has left is removed. */
  store: Pick<Store, "databaseId" | "leases">;
  client: EngineClient;
  /** That the engines ask for; one of their own when it is not set. */
  token?: string | undefined;
  slotsPerHost: number;
  engineStartTimeoutMs: number;
  /** Attempts of a file in a stage. */
  attempts: number;
}

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

  machinesOf(): readonly string[] {
    return this.#hosts.map(({ host }) => host);
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
    const { settings, installation: _installation, store, ...options } = this.#options;
    const image = await asStartError(Promise.resolve(stage).then(settings.image));
    const waiting = { signal, report: (message: string) => listener.info(message, {}) };
    const database = await whenAvailable(() => store.databaseId(), waiting);
    const run = (await whenAvailable(() => store.leases([batchId]), waiting)).get(batchId)?.run ?? 0;
    const labels = { ...this.#labels(database), [BATCH]: String(batchId), [RUN]: String(run), "cofi.stage": stage };
    const engines: SupervisedEngine[] = [];
    const failures: unknown[] = [];
    await Promise.all(
      hosts.map(async (docker, index) => {
        const launch = (): Promise<StartedEngine> =>
          EngineContainer.start(
            docker,
            containerOf(stage, labels, image, settings, this.#environment(docker)),
            settings.network,
          );
        try {
          await this.#removeLeftovers(docker, labels, listener, signal);
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

  /** Of all containers of this installation, whatever their batch; batches are counted by their database. */
  #labels(database: string): Record<string, string> {
    return { "cofi.project": this.#options.settings.project, "cofi.database": database };
  }

  /**
   * Removes what runs have left that are over: of this batch, or of any other one. A run that is alive holds the lease of its
   * batch and is the newest one of it; containers for the removal of files are of batch 0, and of one process at a time.
   */
  async #removeLeftovers(
    docker: DockerApi,
    own: Readonly<Record<string, string>>,
    listener: RuntimeListener,
    signal: AbortSignal,
  ): Promise<void> {
    const mine = Object.entries(this.#labels(own["cofi.database"] ?? ""));
    const found = await asStartError(docker.withLabels(mine.map(([key, value]) => `${key}=${value}`)));
    const batches = [...new Set(found.map(({ labels }) => Number(labels[BATCH])))].filter(Number.isSafeInteger);
    const waiting = { signal, report: (message: string) => listener.info(message, {}) };
    // Asked after the list was made: a container of a run that has begun since is not in it.
    const leases = await whenAvailable(() => this.#options.store.leases(batches), waiting);
    const isLeft = ({ labels }: (typeof found)[number]): boolean => {
      if (labels[BATCH] === "0") return own[BATCH] === "0";
      const lease = leases.get(Number(labels[BATCH]));
      return lease === undefined || !lease.isHeld || String(lease.run) !== labels[RUN];
    };
    for (const { id, labels } of found.filter(isLeft)) {
      await asStartError(docker.remove(id));
      const whose = { container: shortId(id), batch: labels[BATCH] ?? null, run: labels[RUN] ?? null };
      listener.info(`A container that an earlier run left on ${docker.host} was removed`, whose);
    }
  }
}
