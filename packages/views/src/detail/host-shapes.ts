/** The shapes of what is said of hosts in the HTTP API, which the page reads. */
import type { HostCondition, HostNewsKind } from "@cofi/event-log/event-metadata";

/** What is thought of a host in a stage, as its latest step says. */
export interface HostStateView {
  condition: HostCondition;
  /** When that began, ISO 8601: the time of the step; of a host without any, of its first event in this run of the stage. */
  since: string;
  /** The rule of the step; null of a host without any. */
  rule: string | null;
  /** Where the engine is asked that took the step; null while unknown. */
  url: string | null;
  /** Id of the step; null of a host without any. */
  eventId: number | null;
}

/** How often each kind of news came. */
export type HostNewsCounts = Record<HostNewsKind, number>;

export interface HostStageView {
  done: number;
  errors: number;
  inFlight: number;
  /** Of its attempts: errors / (done + errors); null before the first outcome. */
  errorRate: number | null;
  /** Files per minute between its first and latest event in each run of the stage. */
  perMinute: number | null;
  /** Mean of the known durations of its attempts that were done, ms. */
  meanMs: number | null;
  lastHeardAt: string;
  /**
   * In the latest run of the stage, of each engine that took a step there, the worst first. A host that worked on files and took
   * none is in use; one that was not seen in that run has no state.
   */
  states: HostStateView[];
  /** How many engines it has in the stage, as its latest step there says; those without a state are in use. null while unknown. */
  engines: number | null;
  /** Of all runs. */
  news: HostNewsCounts;
}

/** One host in all stages. */
export interface HostView {
  host: string;
  lastHeardAt: string;
  /** The worst of its states in the stages that are worked on; null in none of them. */
  now: (HostStateView & { stage: string }) | null;
  /** One per stage, in stage order; null where the host was not seen. */
  stages: (HostStageView | null)[];
}

export interface HostsView {
  /** By name. */
  hosts: HostView[];
  /** One per stage, in stage order: whether it is worked on, so that the states of its hosts are those of now. */
  isCurrent: boolean[];
  asOf: string;
  head: number;
}

/** One step of a host, one file that it tried too, or one race that it lost. */
export interface HostNewsRow {
  /** Of the event. */
  id: number;
  at: string;
  run: number | null;
  stage: string;
  host: string;
  kind: HostNewsKind;
  from: HostCondition | null;
  url: string | null;
  /** Of the host in the stage; null where the event does not say. */
  engines: number | null;
  rule: string | null;
  fileName: string | null;
}

export interface HostHistory {
  /** Newest first. */
  rows: HostNewsRow[];
  /** Of all that pass the filter. */
  total: number;
  /** Those among them that are older than this page. */
  older: number;
  /** How many there are of each kind, whichever kinds are asked for. */
  counts: HostNewsCounts;
  /** `before` of the next page; null on the last. */
  nextCursor: string | null;
  asOf: string;
  head: number;
}
