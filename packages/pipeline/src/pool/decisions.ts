/** What a pool of hosts is told, and what it decides. */
import type { Change, HostState } from "./host-state.js";

export interface PoolHost {
  name: string;
  /** Files that it works on at once. */
  slots: number;
  /** How many of its slots this run may use; default all of them, however many these become. */
  share?: number;
  /** Default: nothing is known of it. */
  state?: HostState;
}

export interface PoolUnit {
  name: string;
  /** How long its audio is, in seconds; null when nobody knows. */
  audioSeconds: number | null;
  /** How large it is; null for what is no file. */
  bytes: number | null;
  /** The host on which it lies, as a place in the list of hosts; -1 for none. */
  prefers: number;
  /** It does not wait yet: an earlier stage is at work on it. */
  isHeld?: boolean;
}

export interface PoolOptions {
  units: readonly PoolUnit[];
  hosts: readonly PoolHost[];
  /** Of a file, before it is given up. */
  attempts: number;
  /** How long a file waits before its attempt after so many failures, where no other host can take it, in ms. */
  retryDelayMs: (failures: number) => number;
  /** How long a host is left alone for the first time, in ms. */
  firstPauseMs: number;
  /** No request takes longer, in ms. */
  mostRequestMs: number;
  /** The stage fails when all hosts were away, or answered nothing, for so long, in ms. */
  mostWithoutHostMs: number;
  /** Hosts may join later. */
  mayJoin?: boolean;
}

/** One attempt at a unit on a host. */
export interface Attempt {
  readonly unit: number;
  readonly host: number;
  /** From 1. */
  readonly number: number;
  /** When the request was sent, or, before that, when the attempt was decided on. */
  begunAt: number;
  /** When it is not waited for any longer; Infinity before the request is sent. */
  deadlineAt: number;
  /** The attempt elsewhere that it races with. */
  readonly hedges: Attempt | null;
  /** Why it was begun while that one is waited for, as a sentence without its point; null when it races with none. */
  readonly rule: string | null;
}

/** Why a second attempt at a unit is begun while the first one is waited for. */
export interface Hedge {
  /** The one that is waited for. */
  first: Attempt;
  /** As a sentence without its point. */
  rule: string;
}

export type Decision =
  | { do: "ask"; attempt: Attempt }
  /** Find out whether the host can work, and tell by `looked`. */
  | { do: "look"; host: number }
  /** It is over: `overdue` without an answer in time, `outrun` by another host that was asked too. */
  | { do: "drop"; attempt: Attempt; why: "overdue" | "outrun" }
  /** It is over, since its hosts have proven to be well. `error`: of its last attempt. */
  | { do: "giveUp"; unit: number; why: string; error: Error };

/** A step of a host that people should know of. */
export interface HostChange extends Change {
  host: number;
}

/** What is said of a stage whose hosts are all gone, in sentences. `trouble`: why the last one is. */
export function gone(hosts: number, trouble: string | null): string {
  return hosts === 1 && trouble !== null ? trouble : `All of its ${hosts} hosts are gone.${lastly(hosts, trouble)}`;
}

/** What is said of a stage none of whose hosts can work as it is set up, in sentences. `unfit`: why not, of each. */
export function noneIsFit(unfit: readonly string[]): string {
  const [last = ""] = unfit.slice(-1);
  return unfit.length === 1
    ? last
    : `None of its ${unfit.length} hosts can work as the stage is set up. The last one: ${last}`;
}

/** What is said of a stage without a host for so long, in sentences. `trouble`: why one could not be asked last. */
export function away(hosts: readonly { state: HostState }[], trouble: string | null, forMs: number): string {
  const which = hosts.length === 1 ? "Its host" : `All of its ${hosts.length} hosts`;
  const was = hosts.length === 1 ? "was" : "were";
  const unfit = hosts.find(({ state }) => state.unfit !== null)?.state.unfit;
  const other = unfit && unfit !== trouble ? ` Another one cannot work as the stage is set up: ${unfit}` : "";
  const last = `${lastly(hosts.length, trouble)}${other}`;
  return hosts.some(({ state }) => state.isBusy)
    ? `${which} only asked for pauses, or ${was} away, for ${forMs / 1000} s (COFI_ENGINE_TIMEOUT_S).${last}`
    : `${which} ${was} away, or answered nothing, for ${forMs / 1000} s (COFI_ENGINE_START_TIMEOUT_S).${last}`;
}

function lastly(hosts: number, trouble: string | null): string {
  return trouble === null ? "" : ` ${hosts === 1 ? "" : "The last one: "}${trouble}`;
}
