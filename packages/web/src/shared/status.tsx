/** Each state has a glyph, a word and a tone. The glyphs differ, so states can be distinguished without colour. */
import type { Batch, BatchStatus, EventType, LogEvent, StageStatus, StageSummary } from "@cofi/event-log/events";
import { silenceRule } from "@cofi/views/detail/silence";
import { zone } from "../choices/preferences.js";
import type { LiveState } from "../feed/live-state.js";
import { clockSince, number } from "../text/format.js";
import type { Zone } from "../text/zones.js";

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

const SILENT = { glyph: "⊘", word: "No sign of life", tone: "bad" } as const;

/** The state of a batch in words: what its row says, except that a silent batch is not running. */
export function batchWord(batch: Pick<Batch, "status" | "silence">, now: number, shownZone: Zone): string {
  const { silence } = batch;
  return silence ? `No sign of life since ${clockSince(silence.since, now, shownZone)}` : STATUS[batch.status].word;
}

export function statusWord(status: StageStatus | BatchStatus): string {
  return STATUS[status].word;
}

/** A finished stage counts as done only if none of its files failed; in a silent batch no stage is being processed. */
function stageLook({ status, failed }: Pick<StageSummary, "status" | "failed">, isSilent = false): Look {
  if (isSilent && status === "processing") return SILENT;
  return status === "success" && failed > 0
    ? { glyph: "!", word: `${number(failed)} failed`, tone: "warn" }
    : STATUS[status];
}

export function StageBadge({ summary, isSilent }: { summary: StageSummary; isSilent: boolean }) {
  return <Badge look={stageLook(summary, isSilent)} status={summary.status} />;
}

export function StatusBadge({ batch, state }: { batch: Batch; state: LiveState }) {
  const { status, silence } = batch;
  if (!silence) return <Badge look={STATUS[status]} status={status} />;
  const word = batchWord(batch, state.serverNow(), zone.value);
  return <Badge look={{ ...SILENT, word }} status={status} title={silenceRule(batch) ?? ""} />;
}

interface BadgeProps {
  look: Look;
  status: StageStatus | BatchStatus;
  title?: string;
}

function Badge({ look: { glyph, word, tone }, status, title }: BadgeProps) {
  return (
    <span class="badge" data-tone={tone} data-status={status} title={title}>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      {word}
    </span>
  );
}

/** The glyph alone, for places that have the word beside it. */
export function StageGlyph({
  summary,
  isSilent = false,
}: {
  summary: Pick<StageSummary, "status" | "failed">;
  isSilent?: boolean;
}) {
  return <Glyph look={stageLook(summary, isSilent)} />;
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
