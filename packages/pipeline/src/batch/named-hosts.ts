/** The hosts of a stage, each with a name that holds over stages and runs. */
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
  const file = hashed(fileName);
  let preferred = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [place, { key }] of hosts.entries()) {
    const weight = mixed(file ^ mixed(hashed(key)));
    if (weight < least) [preferred, least] = [place, weight];
  }
  return preferred;
}

/** FNV-1a: a hundred thousand files are weighed for each of forty hosts, before the first of them is sent. */
function hashed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** The last step of MurmurHash3: each bit decides about all. */
function mixed(hash: number): number {
  let mix = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

/** Doubles with each attempt, up to a minute; between half and all of it at random, so that attempts do not come in step. */
export function retryDelay(baseMs: number, attempt: number): number {
  const delay = Math.min(baseMs * 2 ** (attempt - 1), MAX_RETRY_DELAY_MS);
  return delay * (0.5 + Math.random() / 2);
}
