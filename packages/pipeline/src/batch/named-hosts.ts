/** The hosts of a stage, each with a name that holds over stages and runs. */
import { createHash } from "node:crypto";
import type { EngineHost } from "../runtime/runtime.js";
import { NEW_HOST, type HostState } from "../pool/host-state.js";

export interface NamedHost {
  /** As logged in `gpuIp`; null for this process. */
  name: string | null;
  /** As of {@link EngineHost}. */
  key: string;
  slots: number;
  /** null when the stage does the work by itself. */
  engine: EngineHost | null;
}

/** Units that take no time share the commits of their events. */
export const THIS_PROCESS: NamedHost = { name: null, key: "", slots: 64, engine: null };

/** Of this process: there is nothing to look at. */
export const ALWAYS_WELL: HostState = { ...NEW_HOST, condition: "healthy", needsLook: false };

const MAX_RETRY_DELAY_MS = 60_000;

export function namedHost(engine: EngineHost): NamedHost {
  return { name: engine.name, key: engine.key, slots: engine.slots, engine };
}

/**
 * The host, as a place in the list, that a file is given while nothing says where it lies (rendezvous hashing, Thaler and
 * Ravishankar 1998): the same in every run, and a host that is gone moves only its own files.
 */
export function preferredOf(fileName: string, hosts: readonly Pick<NamedHost, "key">[]): number {
  if (hosts.length < 2) return 0;
  const weights = hosts.map(({ key }) => createHash("sha1").update(`${key}\0${fileName}`).digest("hex"));
  return weights.indexOf(weights.reduce((least, weight) => (weight < least ? weight : least)));
}

/** Doubles with each attempt, up to a minute; between half and all of it at random, so that attempts do not come in step. */
export function retryDelay(baseMs: number, attempt: number): number {
  const delay = Math.min(baseMs * 2 ** (attempt - 1), MAX_RETRY_DELAY_MS);
  return delay * (0.5 + Math.random() / 2);
}
