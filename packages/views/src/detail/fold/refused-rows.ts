/** Rows of CSV files that a stage has set aside. A row may have several errors, each with an event. */
import { refusedLine } from "@cofi/event-log/event-metadata";
import type { LogEvent } from "@cofi/event-log/events";

export class RefusedRows {
  /** By file: the id of its latest start, and the ids of the errors since then, by line. A file that is read again has other errors. */
  readonly #files = new Map<string, { startId: number; lines: Map<number, number> }>();

  /** Takes the events of one stage in any order, each once. */
  apply({ id, eventType, fileName, metadata }: LogEvent): void {
    if (fileName === null || (eventType !== "file_start" && eventType !== "error")) return;
    const file = this.#files.get(fileName) ?? { startId: 0, lines: new Map<number, number>() };
    this.#files.set(fileName, file);
    if (id < file.startId) return;
    if (eventType === "file_start") {
      file.startId = id;
      for (const [line, errorId] of file.lines) if (errorId < id) file.lines.delete(line);
      return;
    }
    const line = refusedLine(metadata);
    if (line !== null) file.lines.set(line, Math.max(id, file.lines.get(line) ?? 0));
  }

  get count(): number {
    return [...this.#files.values()].reduce((sum, { lines }) => sum + lines.size, 0);
  }
}
