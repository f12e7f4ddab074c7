/** What one host has done in one stage. */
import { HOST_NEWS, type HostCondition, type HostNews } from "@cofi/event-log/event-metadata";

/** The latest step of one engine of the host. */
export interface HostStep {
  id: number;
  /** ISO 8601. */
  at: string;
  condition: HostCondition;
  rule: string | null;
  url: string | null;
  /** Of the host in the stage; null where the step does not say. */
  engines: number | null;
}

/** Further engines of one host share one state, so that names that any writer makes up cannot fill the memory. */
const MOST_ENGINES = 64;
const OTHER_ENGINES = "(other engines)";
/** Characters of a rule, or of a URL: all of it is in its event. */
const MOST_TEXT = 300;

/** In one run of the stage. */
export interface HostRun {
  /** The id with which the run began; 0 for the first. */
  runId: number;
  /** Whether an event named one of its files. */
  hasFiles: boolean;
  done: number;
  errors: number;
  /** Epoch ms of the first and the latest event of the host. */
  firstAt: number;
  lastAt: number;
}

export class HostStage {
  inFlight = 0;
  /** Sum of the known durations of the attempts that were done, in ms, and how many these are. */
  busyMs = 0;
  timed = 0;
  /** Those in which the host was seen. */
  readonly runs: HostRun[] = [];
  /** How often each kind of news came, in the order of the kinds. */
  readonly news = HOST_NEWS.map(() => 0);
  /** By engine. */
  readonly steps = new Map<string, HostStep>();

  note({ kind, engine, engines, url, rule }: HostNews, { id, timestamp: at }: { id: number; timestamp: string }): void {
    this.news[HOST_NEWS.indexOf(kind)]! += 1;
    if (kind === "hedge" || kind === "outrun") return;
    const key = this.steps.has(engine) || this.steps.size < MOST_ENGINES ? engine : OTHER_ENGINES;
    if ((this.steps.get(key)?.id ?? 0) > id) return;
    this.steps.set(key, { id, at, condition: kind, rule: cut(rule), url: cut(url), engines });
  }

  runOf(runId: number): HostRun {
    const latest = this.runs.at(-1);
    if (latest?.runId === runId) return latest;
    let run = this.runs.find((one) => one.runId === runId);
    if (!run)
      this.runs.push((run = { runId, hasFiles: false, done: 0, errors: 0, firstAt: Infinity, lastAt: -Infinity }));
    return run;
  }

  get done(): number {
    return this.runs.reduce((sum, { done }) => sum + done, 0);
  }

  get errors(): number {
    return this.runs.reduce((sum, { errors }) => sum + errors, 0);
  }

  get lastAt(): number {
    return this.runs.reduce((latest, { lastAt }) => Math.max(latest, lastAt), -Infinity);
  }
}

function cut(text: string | null): string | null {
  return text === null || text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`;
}
