/** The hosts of a stage by their places in its pool: which they are, what is remembered of them, and what the log says of them. */
import type { HostCondition } from "@cofi/event-log/event-metadata";
import type { Json } from "@cofi/event-log/events";
import type { WorkName } from "@cofi/event-log/stages";
import { HostPool, type HostChange, type PoolHost } from "../pool/host-pool.js";
import { inNextStage, NEW_HOST, OUT_BEFORE, type Change } from "../pool/host-state.js";
import type { EngineHost } from "../runtime/runtime.js";
import type { BatchContext } from "./context.js";
import { ALWAYS_WELL, namedHost, preferredOf, retryDelay, type NamedHost } from "./named-hosts.js";
import type { StageWork, Unit } from "./stage.js";

/** What a change of a host is called in the log. */
const SAID_OF: Readonly<Record<HostCondition, string>> = {
  joining: "is not ready yet",
  healthy: "is in use",
  suspect: "is paused",
  ejected: "is left out",
  probing: "is tried again",
  gone: "is given up",
};

export interface CrewOptions {
  stage: WorkName;
  work: StageWork<Unit, unknown>;
  context: BatchContext;
}

export class Crew {
  /** Grows when hosts join. */
  readonly hosts: NamedHost[];
  readonly #options: CrewOptions;
  /** The places of the hosts that have not left. */
  #present: number[];

  constructor(hosts: readonly NamedHost[], options: CrewOptions) {
    this.hosts = [...hosts];
    this.#options = options;
    this.#present = hosts.map((_, place) => place);
  }

  /** A pool of these units. `ready`: so many of them, the first ones, need not be admitted. Says which hosts are left out from the beginning. */
  newPool(units: readonly Unit[], ready: number, mayJoin: boolean): HostPool {
    const { settings, calls, recordings, hostStates } = this.#options.context;
    const pool = new HostPool(
      {
        units: units.map((unit, place) => ({
          name: unit.name,
          audioSeconds: calls.of(unit.name)?.durationS ?? null,
          bytes: recordings.get(unit.name)?.bytes ?? null,
          prefers: place < ready ? this.preferredBy(unit) : -1,
          isHeld: place >= ready,
        })),
        hosts: this.hosts.map((host) => {
          const before = hostStates.get(host.key);
          const state = host.engine === null ? ALWAYS_WELL : before && inNextStage(before);
          return { ...inPool(host), ...(state && { state }) };
        }),
        attempts: settings.attempts,
        retryDelayMs: (failures) => retryDelay(settings.retryDelayMs, failures),
        firstPauseMs: 2 * settings.retryDelayMs,
        mostRequestMs: settings.requestTimeoutMs,
        mostWithoutHostMs: settings.engineStartTimeoutMs,
        mayJoin,
      },
      performance.now(),
    );
    this.hosts.forEach((host, place) => {
      const { condition } = pool.stateOf(place);
      if (condition === "ejected") this.#say(host, { from: condition, to: condition, rule: OUT_BEFORE });
    });
    return pool;
  }

  /** The host that is to be asked about a unit first, by its place; -1 while there is none. */
  preferredBy({ name }: Unit): number {
    const present = this.#present.map((place) => this.hosts[place]!);
    const liesOn = this.#options.work.liesOn?.(name);
    const holder = liesOn === undefined ? -1 : present.findIndex(({ key }) => key === liesOn);
    return this.#present[holder === -1 ? preferredOf(name, present) : holder] ?? -1;
  }

  /** These are the hosts now: others have left, and some may be new. */
  follow(engines: readonly EngineHost[], pool: HostPool): void {
    const now = performance.now();
    const named = new Map(engines.map((engine) => [engine.url, engine]));
    const joins = (host: NamedHost, place: number): void => {
      this.hosts[place] = host;
      pool.join({ ...inPool(host), state: { ...NEW_HOST, said: "joining" } }, now, place);
      this.#say(host, { from: "gone", to: "joining", rule: "It is named now" });
    };
    this.hosts.forEach((host, place) => {
      const engine = named.get(host.engine?.url ?? "");
      const isGone = pool.stateOf(place).condition === "gone";
      if (!engine) return isGone ? undefined : pool.gone(place, "It is not named any more", now);
      named.delete(engine.url);
      // One that is back is the same host: what it has in work from before still holds its slots.
      if (isGone) return joins({ ...host, slots: engine.slots }, place);
      if (engine.slots !== host.slots) pool.resize(place, engine.slots);
      host.slots = engine.slots;
    });
    for (const engine of named.values()) joins(namedHost(engine), this.hosts.length);
    this.#present = this.hosts.flatMap((_, place) => (pool.stateOf(place).condition === "gone" ? [] : [place]));
  }

  /** Keeps what is thought of the hosts for the stages that follow. */
  remember(pool: HostPool): void {
    this.hosts.forEach(({ key }, place) => this.#options.context.hostStates.set(key, pool.stateOf(place)));
  }

  /** Logs a step of a host. */
  say({ host, from, to, rule }: HostChange): void {
    this.#say(this.hosts[host]!, { from, to, rule });
  }

  #say(host: NamedHost, { from, to, rule }: Pick<Change, "from" | "to" | "rule">): void {
    const { context, stage } = this.#options;
    const { name, key, engine } = host;
    const others = this.#present.filter((place) => this.hosts[place] !== host && this.hosts[place]?.name === name);
    const engines = 1 + others.length;
    const metadata: Json = { host: { engine: key, engines, url: engine?.url ?? null, from, to, rule } };
    void context.logger.info(stage, `${nameOf(name)} ${SAID_OF[to]}: ${rule}`, {
      metadata,
      ...(name !== null && { gpuIp: name }),
    });
  }
}

/** Nothing of an engine is this stage's before its slots are divided. */
function inPool({ name, slots, engine }: NamedHost): PoolHost {
  return { name: nameOf(name), slots, ...(engine && { share: 0 }) };
}

function nameOf(name: string | null): string {
  return name ?? "this process";
}
