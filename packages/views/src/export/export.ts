/** Exports: events, or files by stages, as CSV, JSON or NDJSON, written piece by piece. */
import { stringify } from "csv-stringify/sync";
import type { Detail } from "../detail/fold/detail.js";
import { FileStates } from "../detail/files/file-states.js";
import { fileRow, foundFiles, type FilesFilter } from "../detail/files/files-view.js";
import { eventColumns } from "@cofi/event-log/event-columns";
import type { Batch, LogEventDetail, StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { EventFilter, Store } from "@cofi/event-log/store";

export const EXPORT_FORMATS = ["csv", "json", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8",
  json: "application/json; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
};

type Value = string | number | null;
type Row = Readonly<Record<string, Value | object>>;

const FILE_COLUMNS = [
  "fileName",
  "audioSeconds",
  "stage",
  "state",
  "attempts",
  "host",
  "durationMs",
  "startedAt",
  "endedAt",
  "eventId",
] as const;
const EVENT_COLUMNS = [...eventColumns("exported"), "history"] as const;
const BODY_COLUMNS = ["payload", "response"] as const satisfies readonly (keyof LogEventDetail)[];

/** Rows made or read at a time. */
const PAGE = 500;

export interface FilesExport {
  filter: FilesFilter;
  /** Epoch ms, the end of attempts in progress. */
  now: number;
  format: ExportFormat;
}

/** Makes one row for each file and each stage that processes it; `eventId` is the event behind the state. */
export async function* exportFiles(
  detail: Detail,
  summaries: readonly StageSummary[],
  { filter, now, format }: FilesExport,
): AsyncGenerator<string> {
  const files = foundFiles(detail, summaries, filter, now);
  const states = new FileStates(detail, summaries);
  yield* written(
    format,
    FILE_COLUMNS,
    pagesOf(files, (file) => rowsOfFile(detail, states, file, now)),
  );
}

async function* pagesOf(files: readonly number[], rows: (file: number) => Row[]): AsyncGenerator<Row[]> {
  for (let start = 0; start < files.length; start += PAGE) yield files.slice(start, start + PAGE).flatMap(rows);
}

function rowsOfFile(detail: Detail, states: FileStates, file: number, now: number): Row[] {
  const { fileName, audioS, cells } = fileRow(detail, states, file, now);
  return cells.flatMap((cell, stage): Row[] => {
    if (!cell) return [];
    const { host, eventId, ...rest } = cell;
    return [
      {
        fileName,
        audioSeconds: audioS,
        stage: STAGES[stage]?.name ?? "",
        ...rest,
        host: host === null ? null : (detail.hosts.all[host] ?? null),
        eventId: eventId || null,
      },
    ];
  });
}

export interface EventsExport {
  filter: EventFilter;
  /** The highest id that the export includes; it leaves out events that come while it is written. */
  upToId: number;
  format: ExportFormat;
  /** Includes payloads and responses, which hold transcripts and phone numbers. */
  bodies: boolean;
}

/** The events that pass the filter, oldest first. @throws DatabaseUnavailableError */
export async function* exportEvents(
  store: Store,
  batch: Batch,
  { filter, upToId, format, bodies }: EventsExport,
): AsyncGenerator<string> {
  const columns = bodies ? [...EVENT_COLUMNS, ...BODY_COLUMNS] : EVENT_COLUMNS;
  async function* pages(): AsyncGenerator<Row[]> {
    for (let after = 0; ;) {
      const page = await store.exportedEvents(batch.id, filter, { after, upToId, limit: PAGE, bodies });
      if (page.length > 0) yield page as unknown as Row[];
      if (page.length < PAGE) return;
      after = page.at(-1)?.id ?? upToId;
    }
  }
  yield* written(format, columns, pages());
}

/** Pages of rows as a file of these columns. Has a start, separators and an end, so that it is valid with any number of rows, including none. */
export async function* written(
  format: ExportFormat,
  columns: readonly string[],
  pages: AsyncIterable<readonly object[]>,
): AsyncGenerator<string> {
  let isFirst = true;
  const json = (row: Row): string =>
    JSON.stringify(Object.fromEntries(columns.map((name) => [name, row[name] ?? null])));
  if (format === "csv") yield csv([columns]);
  if (format === "json") yield "[";
  for await (const page of pages) {
    const rows = page as readonly Row[];
    if (rows.length === 0) continue;
    if (format === "csv") yield csv(rows.map((row) => columns.map((column) => cellOf(row[column]))));
    else if (format === "ndjson") yield rows.map((row) => `${json(row)}\n`).join("");
    else yield rows.map((row, index) => `${isFirst && index === 0 ? "" : ","}\n${json(row)}`).join("");
    isFirst = false;
  }
  if (format === "json") yield "\n]\n";
}

function cellOf(value: Row[string] | undefined): Value {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : (value ?? null);
}

/**
 * RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front, as OWASP advises ("CSV Injection");
 * numbers stay numbers.
 */
function csv(rows: readonly (readonly Value[])[]): string {
  return stringify(rows as Value[][], { escape_formulas: true, record_delimiter: "windows" });
}
