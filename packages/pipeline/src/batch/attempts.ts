/** When a unit is tried again, and which host it prefers. */
import { createHash } from "node:crypto";

/** What the next attempt must wait for. */
export interface NextAttempt {
  notBeforeMs: number;
}

export const MAX_RETRY_DELAY_MS = 60_000;

/** Doubles with each attempt, up to a minute; between half and all of it at random, so that attempts do not come in step. */
export function retryDelay(baseMs: number, attempt: number): number {
  const delay = Math.min(baseMs * 2 ** (attempt - 1), MAX_RETRY_DELAY_MS);
  return delay * (0.5 + Math.random() / 2);
}

/**
 * The hosts in the order in which a file prefers them (rendezvous hashing, Thaler and Ravishankar 1998): the same file
 * goes to the same host in every stage and every run, and a host that is gone moves only its own files.
 */
export function hostsFor<Host extends { key: string }>(fileName: string, hosts: readonly Host[]): Host[] {
  if (hosts.length < 2) return [...hosts];
  const weight = ({ key }: Host): string => createHash("sha1").update(`${key}\0${fileName}`).digest("hex");
  return hosts
    .map((host) => ({ host, weight: weight(host) }))
    .toSorted((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ host }) => host);
}
