/** One cell of a CSV file while it is read: cleans its value, has its column read it, and remarks on it. */
import { cleanText, isPlain, isUnreadable } from "./cell-text.js";
import { NotRead, type Cell, type CellStyle, type Column } from "./csv-columns.js";
import type { Header } from "./csv-header.js";
import type { FileMapping } from "./csv-mapping.js";
import type { NumberReader } from "./number-text.js";
import type { PhoneReader } from "@cofi/evidence/phone-number";
import { remark, type CsvReport, type RemarkCode, type Severity } from "./remarks.js";

const NOT_TEXT = "is no text in the encoding of the file: save the file as UTF-8, or name its encoding in a mapping";

/** The cell that is being read: one object for all cells of a file. */
export class CurrentCell implements Cell {
  readonly timeZone: string;
  readonly numbers: NumberReader;
  readonly phones: PhoneReader;
  readonly formats: CellStyle["formats"];
  column = "";
  /** Its value was not understood, or is missing. */
  hasFailed = false;
  #line = 0;
  #definition: Column<unknown> | null = null;
  #given = "";
  readonly #file: string;
  readonly #labels: ReadonlyMap<string, string>;
  readonly #words: FileMapping["words"];
  readonly #report: CsvReport;

  constructor(file: string, style: CellStyle, { labels }: Header, words: FileMapping["words"], report: CsvReport) {
    ({ timeZone: this.timeZone, numbers: this.numbers, phones: this.phones, formats: this.formats } = style);
    this.#file = file;
    this.#labels = labels;
    this.#words = words;
    this.#report = report;
  }

  begin(line: number, definition: Column<unknown>, given: string): void {
    this.#line = line;
    this.#definition = definition;
    this.#given = given;
    this.column = definition.name;
    this.hasFailed = false;
  }

  /** null when there is no value, or none that is understood. */
  read(): unknown {
    const column = this.#definition!;
    if (this.#given === "" && !column.required) return null;
    let text = this.#given;
    if (!isPlain(text)) {
      if (isUnreadable(text)) return this.#fail("BAD_ENCODING", NOT_TEXT, "");
      text = column.isFileName ? text.trim() : this.#cleaned(text);
    }
    const value = this.#words.get(column.name)?.get(text.toUpperCase()) ?? text;
    if (value === "") return column.required ? this.#fail("MISSING_VALUE", "is required but empty") : null;
    const read = column.read(value, this);
    return read instanceof NotRead ? this.#fail(read.code, read.why) : read;
  }

  #cleaned(value: string): string {
    const { text, note } = cleanText(value);
    if (note) this.note(note.code, note.what);
    return text;
  }

  note(code: RemarkCode, what: string): void {
    this.#say("note", code, what, this.#given);
  }

  warn(code: RemarkCode, what: string, part: string): void {
    this.#say("warning", code, `${what}; it is left out`, part);
  }

  #fail(code: RemarkCode, what: string, value = this.#given): null {
    this.hasFailed = true;
    if (this.#definition?.required) this.#say("error", code, what, value);
    else this.#say("warning", code, `${what}; it is taken as not given`, value);
    return null;
  }

  #say(severity: Severity, code: RemarkCode, what: string, value: string): void {
    const { column } = this;
    const label = this.#labels.get(column);
    const sentence = label === undefined || label.toLowerCase() === column ? what : `(${label}) ${what}`;
    const shown = value === "" ? undefined : this.#definition?.redact(value);
    this.#report.add(remark({ severity, code }, { file: this.#file, line: this.#line, column }, sentence, shown));
  }
}
