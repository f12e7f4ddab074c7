/** Rows of CSV files that a stage has set aside, and values in the others that it did not understand. A row may have several errors, each with an event. */
import { refusedLine, saidOfRows } from "@cofi/event-log/event-metadata";
import type { LogEvent } from "@cofi/event-log/events";

export class RefusedRows {
  /**
   * By file: the id of its latest start; since then the ids of the errors, by line, and numbers of values, by the id of the event. A file
   * that is read again has other errors.
   */
  readonly #files = new Map<string, { startId: number; lines: Map<number, number>; warned: Map<number, number> }>();

  /** Takes the events of one stage in any order, each once. */
  apply({ id, eventType, fileName, metadata }: LogEvent): void {
    if (fileName === null || (eventType !== "file_start" && eventType !== "error" && eventType !== "info")) return;
    const file = this.#files.get(fileName) ?? { startId: 0, lines: new Map<number, number>(), warned: new Map() };
    this.#files.set(fileName, file);
    if (id < file.startId) return;
    if (eventType === "file_start") {
      file.startId = id;
      for (const [line, errorId] of file.lines) if (errorId < id) file.lines.delete(line);
      for (const warnedId of file.warned.keys()) if (warnedId < id) file.warned.delete(warnedId);
      return;
    }
    if (eventType === "info") {
      const said = saidOfRows(metadata);
      if (said?.severity === "warning") file.warned.set(id, said.count);
      return;
    }
    const line = refusedLine(metadata);
    if (line !== null) file.lines.set(line, Math.max(id, file.lines.get(line) ?? 0));
  }

  /** By file: how many of its values were not understood; files without any are left out. */
  get warned(): Map<string, number> {
    const counts = [...this.#files].map(([name, { warned }]): [string, number] => [
      name,
      [...warned.values()].reduce((sum, values) => sum + values, 0),
    ]);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  /** By line, each with the id of its latest error. */
  get rows(): { line: number; eventId: number }[] {
    const rows = [...this.#files.values()].flatMap(({ lines }) =>
      [...lines].map(([line, eventId]) => ({ line, eventId })),
    );
    return rows.toSorted((a, b) => a.line - b.line || a.eventId - b.eventId);
  }

  get count(): number {
    return [...this.#files.values()].reduce((sum, { lines }) => sum + lines.size, 0);
  }
}
