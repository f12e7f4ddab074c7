/** The errors of one cause, and what they have hit. */
import type { LogEvent } from "@cofi/event-log/events";

/** Errors of the latest attempt at a file, or of the latest run of a stage, that had some. */
interface Latest {
  /** Attempts at the file so far; 0 of a stage. */
  attempts: number;
  runId: number;
  count: number;
}

/** One of the errors. */
interface Example {
  id: number;
  stage: number;
  /** null for an error of the stage itself. */
  file: number | null;
  message: string;
}

/** So many of the latest errors are kept as examples, beside the first: one of a file that still has failed is looked for. */
const MOST_EXAMPLES = 20;

export class ErrorGroup {
  readonly cause: string;
  /** The first error and the latest ones, ascending. */
  readonly examples: Example[] = [];
  count = 0;
  firstId = Infinity;
  firstAt = "";
  lastId = 0;
  lastAt = "";
  /** Errors, by index of the stage. */
  readonly stages = new Map<number, number>();
  /** Errors, by index of the host. */
  readonly hosts = new Map<number, number>();
  /** Indexes of the files that it has hit, in whatever stage and row. */
  readonly files = new Set<number>();
  /** By index of the stage: the files of which it has ended an attempt. */
  readonly attempts = new Map<number, Set<number>>();
  /** By index of the stage: errors that ended the stage itself. */
  readonly endings = new Map<number, Latest>();
  /** By index of the stage and of the file: errors in rows, after which the file goes on. */
  readonly rows = new Map<number, Map<number, Latest>>();

  constructor(cause: string) {
    this.cause = cause;
  }

  add({ id, timestamp, errorMessage }: LogEvent, stage: number, file: number | null, host: number | null): void {
    this.count += 1;
    if (id < this.firstId) {
      this.firstId = id;
      this.firstAt = timestamp;
    }
    if (id > this.lastId) {
      this.lastId = id;
      this.lastAt = timestamp;
    }
    const place = this.examples.findLastIndex((example) => example.id < id) + 1;
    this.examples.splice(place, 0, { id, stage, file, message: errorMessage ?? "" });
    if (this.examples.length > MOST_EXAMPLES) this.examples.splice(1, 1);
    this.stages.set(stage, (this.stages.get(stage) ?? 0) + 1);
    if (host !== null) this.hosts.set(host, (this.hosts.get(host) ?? 0) + 1);
  }

  hitFile(stage: number, file: number): void {
    this.files.add(file);
    inMap(this.attempts, stage, () => new Set<number>()).add(file);
  }

  hitRow(stage: number, file: number, attempts: number, runId: number): void {
    this.files.add(file);
    countLatest(
      inMap(this.rows, stage, () => new Map<number, Latest>()),
      file,
      { attempts, runId },
    );
  }

  hitStage(stage: number, runId: number): void {
    countLatest(this.endings, stage, { attempts: 0, runId });
  }
}

/** One more of this attempt and run; those of an earlier one do not count any more. */
function countLatest(latest: Map<number, Latest>, key: number, now: Omit<Latest, "count">): void {
  const known = latest.get(key);
  const isSame = known?.attempts === now.attempts && known.runId === now.runId;
  latest.set(key, { ...now, count: isSame ? known.count + 1 : 1 });
}

function inMap<T>(map: Map<number, T>, key: number, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
