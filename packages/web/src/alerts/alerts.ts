/** Decides which facts are alerts, by thresholds that this browser stores. */
import type { Finding, TimelineView } from "@cofi/views/detail/shapes";
import type { Batch } from "@cofi/event-log/events";
import { clockIn, instantsNear } from "@cofi/event-log/zone-clock";
import { silenceRule } from "@cofi/views/detail/silence";
import { clock, dayOf } from "../text/format.js";
import { timeZoneOf, type Zone } from "../text/zones.js";

export interface AlertSettings {
  isOn: boolean;
  onFailedBatch: boolean;
  onStall: boolean;
  /** Files that are lost, and hosts that fail. */
  onTrouble: boolean;
  /** Percent of the file steps that ended; null: never. */
  errorPercent: number | null;
  /** `HH:MM` in the zone of the page, on the day the batch began or the next; null: never. */
  finishBy: string | null;
}

export const DEFAULT_ALERTS: AlertSettings = {
  isOn: false,
  onFailedBatch: true,
  onStall: true,
  onTrouble: true,
  errorPercent: 5,
  finishBy: null,
};

export interface Alert {
  /** Alerts with the same key are about the same thing; only the first is reported. */
  key: string;
  title: string;
  body: string;
  /** Link to the view that shows it, relative to the page. */
  href: string;
}

/** The state of one batch. */
export interface AlertFacts {
  batch: Batch;
  /** File steps over all stages: a file is counted in every stage it passes. 0 while unknown. */
  done: number;
  failed: number;
  findings: readonly Finding[];
  /** null while unknown. */
  timeline: Pick<TimelineView, "remainingMs" | "asOf"> | null;
}

const DAY_MS = 86_400_000;
/** With fewer file steps a rate means nothing. */
const LEAST_STEPS = 20;
type Kinds = ReadonlySet<Finding["kind"]>;
const STALLS: Kinds = new Set(["stuck-stage", "silent-host", "slow-file"] as const);
const TROUBLE: Kinds = new Set(["missing", "unnamed", "unhealthy-host"] as const);
const OF_HOSTS: Kinds = new Set(["silent-host", "unhealthy-host", "slow-host"] as const);
const OF_HANDOFFS: Kinds = new Set(["missing", "unnamed"] as const);

/** Returns all alerts that the thresholds demand now, including those that were already reported. */
export function alertsOf(facts: AlertFacts, settings: AlertSettings, zone: Zone): Alert[] {
  if (!settings.isOn) return [];
  return [
    ...(settings.onFailedBatch ? [...failedBatch(facts), ...silentBatch(facts, zone)] : []),
    ...(settings.errorPercent === null ? [] : errorRate(facts, settings.errorPercent)),
    ...(settings.onStall ? found(facts, STALLS) : []),
    ...(settings.onTrouble ? found(facts, TROUBLE) : []),
    ...(settings.finishBy === null ? [] : lateFinish(facts, settings.finishBy, zone)),
  ];
}

function failedBatch({ batch }: AlertFacts): Alert[] {
  if (batch.status !== "failed" && batch.status !== "interrupted") return [];
  const title = batch.status === "failed" ? `${batch.name} failed` : `${batch.name} was interrupted`;
  // A resumed batch may fail again.
  const key = `${batch.id} ${batch.status} ${batch.finishedAt ?? ""}`;
  return [{ key, title, body: "Open the batch to see why.", href: `?batch=${batch.id}` }];
}

function silentBatch({ batch }: AlertFacts, zone: Zone): Alert[] {
  const body = silenceRule(batch);
  if (!batch.silence || body === null) return [];
  const { since } = batch.silence;
  // With the day, because the alert may be read long after it came.
  const title = `${batch.name}: no sign of life since ${clock(since, zone)} on ${dayOf(since, zone)}`;
  return [{ key: `${batch.id} silent ${since}`, title, body, href: `?batch=${batch.id}` }];
}

function errorRate({ batch, done, failed }: AlertFacts, most: number): Alert[] {
  const ended = done + failed;
  const share = (100 * failed) / ended;
  if (ended < LEAST_STEPS || share <= most) return [];
  const title = `${batch.name}: ${share.toFixed(1)} % of the file steps failed`;
  const body = `${failed} of ${ended}; the threshold is ${most} %.`;
  return [{ key: `${batch.id} error-rate ${most}`, title, body, href: `?batch=${batch.id}&view=errors` }];
}

function found({ batch, findings }: AlertFacts, kinds: Kinds): Alert[] {
  return findings
    .filter(({ kind }) => kinds.has(kind))
    .map(({ kind, stage, what, text, rule }) => ({
      // The number of slow or missing files changes all the time, so it must not make new alerts.
      key: `${batch.id} ${kind} ${stage} ${OF_HOSTS.has(kind) ? what : ""}`,
      title: `${batch.name}: ${text}`,
      body: rule,
      href: `?batch=${batch.id}&view=${OF_HOSTS.has(kind) ? "hosts" : OF_HANDOFFS.has(kind) ? "handoffs" : "time"}`,
    }));
}

/** Alerts only when the batch is certainly late: even the lowest estimate ends after the deadline. */
function lateFinish({ batch, timeline }: AlertFacts, finishBy: string, zone: Zone): Alert[] {
  if (batch.status !== "running" || timeline === null) return [];
  const due = dueAt(Date.parse(batch.startedAt ?? batch.createdAt), finishBy, zone);
  const now = Date.parse(timeline.asOf);
  if (due === null || now + (timeline.remainingMs?.[0] ?? 0) <= due) return [];
  const title = now > due ? `${batch.name} is late` : `${batch.name} will be late`;
  const body = `It was due by ${finishBy}.`;
  return [{ key: `${batch.id} late ${finishBy}`, title, body, href: `?batch=${batch.id}&view=time` }];
}

/** The first time after the start at which clocks of the zone show `HH:MM`, ms since 1970; null if `time` is not a time of day. */
export function dueAt(startedAt: number, time: string, zone: Zone): number | null {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const timeZone = timeZoneOf(zone);
  const started = clockIn(startedAt, timeZone);
  const today = started - (started % DAY_MS) + (Number(hours) * 60 + Number(minutes)) * 60_000;
  const instants = [today, today + DAY_MS].flatMap((local) => instantsNear(local, timeZone));
  return instants.find((instant) => instant > startedAt) ?? null;
}
