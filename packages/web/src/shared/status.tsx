/** Each state has a glyph, a word and a tone. The glyphs differ, so states can be distinguished without colour. */
import type { BatchStatus, EventType, LogEvent, StageStatus, StageSummary } from "@cofi/event-log/events";
import { number } from "../text/format.js";

type Tone = "idle" | "busy" | "good" | "warn" | "bad";

interface Look {
  glyph: string;
  word: string;
  tone: Tone;
}

const STATUS: Readonly<Record<StageStatus | BatchStatus, Look>> = {
  pending: { glyph: "○", word: "Waiting", tone: "idle" },
  processing: { glyph: "◐", word: "Processing", tone: "busy" },
  success: { glyph: "✓", word: "Done", tone: "good" },
  running: { glyph: "◐", word: "Running", tone: "busy" },
  interrupted: { glyph: "‖", word: "Interrupted", tone: "warn" },
  completed: { glyph: "✓", word: "Completed", tone: "good" },
  completed_with_errors: { glyph: "!", word: "Completed with errors", tone: "warn" },
  failed: { glyph: "✕", word: "Failed", tone: "bad" },
};

export function statusWord(status: StageStatus | BatchStatus): string {
  return STATUS[status].word;
}

/** A finished stage counts as done only if none of its files failed. */
function stageLook({ status, failed }: Pick<StageSummary, "status" | "failed">): Look {
  return status === "success" && failed > 0
    ? { glyph: "!", word: `${number(failed)} failed`, tone: "warn" }
    : STATUS[status];
}

export function StageBadge({ summary }: { summary: StageSummary }) {
  return <Badge look={stageLook(summary)} status={summary.status} />;
}

export function StatusBadge({ status }: { status: BatchStatus }) {
  return <Badge look={STATUS[status]} status={status} />;
}

function Badge({ look: { glyph, word, tone }, status }: { look: Look; status: StageStatus | BatchStatus }) {
  return (
    <span class="badge" data-tone={tone} data-status={status}>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      {word}
    </span>
  );
}

/** The glyph alone, for places that have the word beside it. */
export function StageGlyph({ summary }: { summary: Pick<StageSummary, "status" | "failed"> }) {
  return <Glyph look={stageLook(summary)} />;
}

function Glyph({ look: { glyph, word, tone } }: { look: Look }) {
  return (
    <span class="glyph" data-tone={tone} role="img" aria-label={word}>
      {glyph}
    </span>
  );
}

const TYPES: Readonly<Record<EventType, Look>> = {
  stage_start: { glyph: "▸", word: "Stage started", tone: "busy" },
  stage_progress: { glyph: "⋯", word: "Progress", tone: "idle" },
  stage_complete: { glyph: "■", word: "Stage complete", tone: "good" },
  file_start: { glyph: "→", word: "File started", tone: "busy" },
  file_complete: { glyph: "✓", word: "File complete", tone: "good" },
  error: { glyph: "✕", word: "Error", tone: "bad" },
  info: { glyph: "i", word: "Info", tone: "idle" },
};

export function eventLook(event: Pick<LogEvent, "eventType" | "status">): Look {
  const look = TYPES[event.eventType];
  return event.status === "failed"
    ? { ...look, glyph: "✕", tone: "bad", word: event.eventType === "error" ? look.word : `${look.word}, failed` }
    : look;
}
