/** Events of a batch as a pipeline logs them, and what is folded from them. */
import { applyToDetail, emptyDetail, type Detail } from "@cofi/views/detail/detail";
import type { LogEvent, StageSummary } from "@cofi/event-log/events";
import { applyEvent, emptyView, stageSummary, type BatchView } from "@cofi/views/projection";
import { STAGES } from "@cofi/event-log/stages";
import { BATCH, logEvent } from "../../../test/support/log-events.js";

export const ASOF = "2026-11-20T19:00:00.000Z";

export function detailOf(events: readonly LogEvent[]): {
  view: BatchView;
  detail: Detail;
  summaries: StageSummary[];
} {
  let view = emptyView(BATCH, 5);
  const detail = emptyDetail(view);
  for (const event of events) {
    view = applyEvent(view, event);
    applyToDetail(detail, event);
  }
  return { view, detail, summaries: STAGES.map(({ name }) => stageSummary(view, name)) };
}

/** What a pipeline logs, with times in seconds after the batch was created. */
export class Script {
  readonly events: LogEvent[] = [];
  #id = 0;
  at = 0;

  add(stage: string, fields: Partial<LogEvent>): this {
    const timestamp = new Date(Date.parse(BATCH.createdAt) + this.at * 1_000).toISOString();
    this.events.push(logEvent(++this.#id, { stage, timestamp, ...fields }));
    return this;
  }

  file(stage: string, fileName: string, outcome: Partial<LogEvent>, seconds = 1, gpuIp = "gpu-1"): this {
    this.add(stage, { eventType: "file_start", fileName, status: "processing", gpuIp, attempt: 1 });
    this.at += seconds;
    return this.add(stage, { fileName, gpuIp, attempt: 1, durationMs: seconds * 1_000, ...outcome });
  }

  done(stage: string, fileName: string, seconds = 1, gpuIp = "gpu-1"): this {
    return this.file(stage, fileName, { eventType: "file_complete", status: "success" }, seconds, gpuIp);
  }

  failed(stage: string, fileName: string, errorMessage: string, gpuIp = "gpu-1"): this {
    return this.file(stage, fileName, { eventType: "error", status: "failed", errorMessage }, 1, gpuIp);
  }

  stage(stage: string, totalFiles: number, work: (script: Script) => void, isOver = true): this {
    this.add(stage, { eventType: "stage_start", totalFiles });
    work(this);
    return isOver ? this.add(stage, { eventType: "stage_complete", status: "success" }) : this;
  }
}
