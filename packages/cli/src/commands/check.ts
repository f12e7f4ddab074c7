import { checkFolder, type CheckedFile, type CheckedFolder } from "@cofi/pipeline/check-folder";
import type { ListedCall } from "@cofi/pipeline/calls-csv";
import type { Remark, RemarkKind, Severity } from "@cofi/pipeline/csv-remarks";
import { csvSettings, type CsvSettings } from "@cofi/pipeline/csv-settings";
import { loadTriageConfig } from "@cofi/pipeline/triage-config";
import type { ListedTrade } from "@cofi/pipeline/trades-csv";
import { abortOnSignal } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { print } from "../print.js";

interface Options {
  /** Lists every odd row, and not the first of each kind alone. */
  all?: true;
}

/** Remarks of one kind, and names of files, that are listed without `--all`. */
const LISTED = 10;
const MARKS: Readonly<Record<Severity, string>> = { error: "REFUSED", warning: "warning", note: "note" };
const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** `cofi check <folder>`: prints how a run would read the folder; ends with 1 when a run would refuse something. */
export async function checkCommand(path: string, options: Options): Promise<void> {
  const triageConfig = await loadTriageConfig(process.env);
  const csv = await csvSettings(process.env);
  const { timeZone } = triageConfig;
  const signal = abortOnSignal("");
  const remarks = new ListedRemarks(options.all === true);
  const listener = (remark: Remark): void => remarks.add(remark);
  let checked: CheckedFolder;
  try {
    checked = await checkFolder(path, { reading: { ...csv, timeZone }, triageConfig, listener, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandError("Stopped before everything was checked.", EXIT.interrupted);
  }
  const { calls, trades } = checked;
  const lines = [
    ...settingsLines(csv, timeZone),
    ...fileLines(calls, remarks, callText),
    ...fileLines(trades, remarks, tradeText),
    ...folderLines(checked),
    "",
    conclusion(checked),
  ];
  for (const line of lines) print(line);
  process.exitCode = checked.isAccepted ? EXIT.done : EXIT.failed;
}

/** The remarks that are listed: the first of each kind. */
class ListedRemarks {
  readonly #all: boolean;
  readonly #counts = new Map<string, number>();
  /** By file and line: what is said of a file as a whole stands before them, recordings without a line after them. */
  readonly #byFile = new Map<string, Map<number, Remark[]>>();

  constructor(all: boolean) {
    this.#all = all;
  }

  add(remark: Remark): void {
    const { file, line, severity, code, column } = remark;
    const kind = `${file} ${severity} ${code} ${column}`;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (!this.#all && count > LISTED) return;
    const lines = this.#byFile.get(file) ?? new Map<number, Remark[]>();
    this.#byFile.set(file, lines);
    const place = line ?? (severity === "error" ? Infinity : 0);
    const said = lines.get(place);
    if (said) said.push(remark);
    else lines.set(place, [remark]);
  }

  /** In the order of the lines. */
  of(file: string): [line: number, remarks: Remark[]][] {
    return [...(this.#byFile.get(file) ?? [])].toSorted(([a], [b]) => a - b);
  }

  notListed({ count }: RemarkKind): number {
    return this.#all ? 0 : Math.max(0, count - LISTED);
  }
}

function settingsLines({ phoneCountry, mappingTexts }: CsvSettings, timeZone: string): string[] {
  const mappings = Object.keys(mappingTexts);
  return [
    `Times without an offset are those of ${timeZone} (COFI_TIME_ZONE).`,
    phoneCountry === null
      ? "Phone numbers need their country code: COFI_PHONE_COUNTRY is not set."
      : `Phone numbers without a country code are those of ${phoneCountry} (COFI_PHONE_COUNTRY).`,
    mappings.length === 0
      ? "Columns have the names of the documentation: COFI_CSV_MAPPING is not set."
      : `Columns are mapped by ${mappings.join(" and ")} (COFI_CSV_MAPPING).`,
  ];
}

function fileLines<Row extends { line: number }>(
  { name, report, rows, problem }: CheckedFile<Row>,
  remarks: ListedRemarks,
  textOf: (row: Row) => string,
): string[] {
  if (problem !== null) return ["", `${name} cannot be used.`, `  ${problem}`];
  const { facts, refused } = report;
  const counted = (["warning", "note"] as const).map((severity) => plural(report.count(severity), severity));
  const said = remarks.of(name);
  const lines = new Set(said.map(([line]) => line));
  const byLine = new Map(rows.flatMap((row) => (lines.has(row.line) ? [[row.line, row]] : [])));
  const places = Object.entries(facts?.columns ?? {});
  const absent = places.filter(([, from]) => from === null).map(([column]) => column);
  const found = places.flatMap(([column, from]) =>
    from === null ? [] : [from === column ? column : `${column} from ${from}`],
  );
  return [
    "",
    `${name}: ${plural(report.rows, "row")}, ${report.rows - refused} understood, ${refused} refused; ${counted.join(", ")}. ` +
      `Text in ${facts?.encoding}, separated by ${facts?.separator}.`,
    `  columns: ${found.join(", ")}`,
    ...(absent.length > 0 ? [`  not there: ${absent.join(", ")}`] : []),
    ...(facts && facts.unused.count > 0 ? [`  not used: ${named(facts.unused.first, facts.unused.count)}`] : []),
    ...said.flatMap(([line, ofLine]) => {
      const row = byLine.get(line);
      return [
        ...ofLine.map((remark) => `  ${MARKS[remark.severity].padEnd(8)} ${remarkText(remark)}`),
        ...(row ? [`  ${"".padEnd(8)}   read as: ${textOf(row)}`] : []),
      ];
    }),
    ...SEVERITIES.flatMap((severity) => report.kinds(severity)).flatMap((kind) => {
      const more = remarks.notListed(kind);
      const of = kind.column === null ? "" : ` of ${kind.column}`;
      return more === 0
        ? []
        : [`  ${MARKS[kind.severity].padEnd(8)} ${more} more${of} (${kind.code}): --all lists them.`];
    }),
  ];
}

/** Without the name of the file, which stands above. */
function remarkText({ file, message, value }: Remark): string {
  const text = message.startsWith(file) ? message.slice(file.length).replace(/^[,:] /, "") : message;
  return value === undefined ? text : `${text.replace(/\.$/, "")}: ${JSON.stringify(value)}.`;
}

function callText(call: ListedCall): string {
  return listed([
    call.callId,
    call.fileName,
    call.startTime.toISOString(),
    `${call.durationS} s`,
    call.direction,
    call.callerNumber && `from ${shortPhone(call.callerNumber)}`,
    call.calleeNumber && `to ${shortPhone(call.calleeNumber)}`,
    call.extension && `extension ${call.extension}`,
    call.dealerId && `dealer ${call.dealerId}`,
    call.clientCode && `client ${call.clientCode}`,
  ]);
}

function tradeText(trade: ListedTrade): string {
  const { clientCode, clientPhones, exchange, symbol, instrument, expiry, strike, optionType, side } = trade;
  return listed([
    trade.tradeId,
    trade.orderId && `order ${trade.orderId}`,
    trade.orderTime.toISOString(),
    `client ${clientCode} (${clientPhones.length === 0 ? "no phone" : clientPhones.map(shortPhone).join(", ")})`,
    `dealer ${trade.dealerId}`,
    [exchange, symbol, instrument, expiry, strike, optionType].filter((part) => part !== null).join(" "),
    `${side} ${trade.quantity} at ${trade.price}`,
    trade.orderSource,
  ]);
}

/** Enough of a number to see whose country it is of. */
function shortPhone(number: string): string {
  return `${number.slice(0, 3)}…${number.slice(-2)}`;
}

function listed(parts: readonly (string | null)[]): string {
  return parts.filter(Boolean).join(" · ");
}

function folderLines({ folder, calls, triage }: CheckedFolder): string[] {
  const { recordings } = folder;
  const leftOut = [...folder.refused, ...folder.ignored];
  const withRow = calls.problem === null ? `, ${calls.rows.length} of them with a valid row in calls.csv` : "";
  const found = [...(triage ?? [])].map(([result, count]) => `${count} ${result}`);
  return [
    "",
    `${plural(recordings.length, "recording")}${withRow}; ${plural(leftOut.length, "other file")} left out.`,
    ...leftOut.slice(0, LISTED).map(({ name, reason }) => `  left out ${name} ${reason}.`),
    ...(leftOut.length > LISTED ? [`  left out ${leftOut.length - LISTED} more.`] : []),
    ...(found.length > 0 ? [`Triage of the trades, by these rows alone: ${found.join(", ")}.`] : []),
  ];
}

function conclusion({ isAccepted, calls, trades }: CheckedFolder): string {
  const warnings = calls.report.count("warning") + trades.report.count("warning");
  const doubts =
    warnings > 0 ? ` ${plural(warnings, "value")} ${warnings === 1 ? "needs" : "need"} a look: see the warnings.` : "";
  if (isAccepted)
    return `A run would refuse nothing.${doubts} Only a run tells whether the recordings can be heard, and last as long as calls.csv says.`;
  const parts = [calls, trades].flatMap(({ name, report, problem }) => {
    if (problem !== null) return [`${name} as a whole`];
    const unlisted = report.kinds("error").find(({ code }) => code === "FILE_NOT_LISTED")?.count ?? 0;
    return [
      ...(report.refused > 0 ? [`${plural(report.refused, "row")} of ${name}`] : []),
      ...(unlisted > 0 ? [`${plural(unlisted, "recording")} without a row`] : []),
    ];
  });
  return `A run would refuse ${parts.join(", ")}. Correct the rows and files above, or give your files a mapping (COFI_CSV_MAPPING).`;
}

function plural(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function named(first: readonly string[], count: number): string {
  const shown = first.map((name) => name || "(no name)").join(", ");
  return count > first.length ? `${shown} and ${count - first.length} more` : shown;
}
