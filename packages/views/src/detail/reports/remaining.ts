/** How long the work that is left of a running stage will take. */
import type { StageSummary } from "@cofi/event-log/events";
import type { FileStates } from "../files/file-states.js";
import type { Detail } from "../fold/detail.js";
import type { StageCells } from "../fold/stage-cells.js";
import type { Range, StageTime } from "../shapes.js";

/** A speed over a shorter time is unreliable. */
const RECENT_MS = 300_000;
const LEAST_FINISHED = 3;
/** The speeds of two parts of a stage differ by about this share. */
const MARGIN = 0.1;

/** Files, and the seconds of their audio. */
interface Amount {
  files: number;
  audioS: number;
}

/**
 * The work that is left, divided by the speeds of the stage, fastest and slowest, widened by a tenth. Work is seconds of audio
 * where they are known for all files, else files. The speeds are those of the latest run, because the pause before it shows
 * none: over its whole time and over its last five minutes. While nothing finishes, the fastest stays what it was when the last
 * file finished, and the slowest falls: after five minutes it is as if one file took the whole silence.
 * @returns null while the speed is unknown
 */
export function remainingAtWork(
  detail: Detail,
  states: FileStates,
  { stage, totalFiles, work, startedAt }: StageSummary,
  index: number,
  now: number,
): Pick<StageTime, "remainingMs" | "basis"> | null {
  const cells = detail.stages[index] as StageCells;
  const runId = detail.work.stage(stage).latestRunId;
  const started = Date.parse(work.since ?? startedAt ?? "");
  const recentFrom = Math.max(started, now - RECENT_MS);
  const [left, finished, recent] = [nothing(), nothing(), nothing()];
  let before = 0;
  let lastAt = started;
  let isAudioKnown = true;
  for (let file = 0; file < detail.files.all.length; file++) {
    const state = states.of(file)[index] ?? null;
    if (state === null || state === "skipped" || state === "missing") continue;
    const audio = detail.audioS.get(file);
    if (audio === 0) isAudioKnown = false;
    if (state !== "done" && state !== "failed") {
      add(left, audio);
      continue;
    }
    if (cells.eventId.get(file) < runId) {
      before += 1;
      continue;
    }
    add(finished, audio);
    const endedAt = cells.endedAt.get(file);
    lastAt = Math.max(lastAt, endedAt);
    if (endedAt >= recentFrom) add(recent, audio);
  }
  // Files that no event has named yet, because the stage has announced more than were seen.
  const unseen = Math.max(0, (totalFiles ?? 0) - left.files - finished.files - before);
  left.files += unseen;
  if (unseen > 0) isAudioKnown = false;
  if (finished.files < LEAST_FINISHED || !(now > started)) return null;
  const what = isAudioKnown ? "audioS" : "files";
  const mean = finished[what] / finished.files;
  const untilLast = Math.min(now, lastAt) - started;
  const recently =
    recent.files > 0 ? recent[what] / (now - recentFrom) : mean / Math.max(RECENT_MS, now - Math.min(now, lastAt));
  const fastest = Math.max(finished[what] / (untilLast > 0 ? untilLast : now - started), recently);
  const slowest = Math.min(finished[what] / (now - started), recently);
  const remainingMs: Range = [(left[what] / fastest) * (1 - MARGIN), (left[what] / slowest) * (1 + MARGIN)];
  return { remainingMs, basis: isAudioKnown ? "audio" : "files" };
}

function nothing(): Amount {
  return { files: 0, audioS: 0 };
}

function add(amount: Amount, audioS: number): void {
  amount.files += 1;
  amount.audioS += audioS;
}
