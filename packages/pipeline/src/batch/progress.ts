import type { EventLogger } from "@cofi/event-log/event-logger";
import type { WorkName } from "@cofi/event-log/stages";

const PROGRESS_INTERVAL_MS = 1_000;

/** How far a stage is, and when that is logged: at most once a second, and when all is finished. */
export class Progress {
  done = 0;
  failed = 0;
  total = 0;
  readonly #logger: EventLogger;
  readonly #name: WorkName;
  #lastAt = 0;
  /** Count in the last progress event, so that files that finish in one turn produce one event. */
  #reported = -1;

  constructor(logger: EventLogger, name: WorkName) {
    this.#logger = logger;
    this.#name = name;
  }

  counts(): { processedFiles: number; totalFiles: number } {
    return { processedFiles: this.done + this.failed, totalFiles: this.total };
  }

  async report(): Promise<void> {
    const now = performance.now();
    const { processedFiles, totalFiles } = this.counts();
    if (processedFiles === this.#reported) return;
    if (now - this.#lastAt < PROGRESS_INTERVAL_MS && processedFiles < totalFiles) return;
    this.#lastAt = now;
    this.#reported = processedFiles;
    await this.#logger.stageProgress(this.#name, { processedFiles, totalFiles });
  }
}
