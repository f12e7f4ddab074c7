/** The symbol master that `COFI_SYMBOLS` names: a CSV file with the company of each symbol, as exchanges publish them. */
import { createHash } from "node:crypto";
import { CsvRecord, CsvSplitter } from "../csv/csv-records.js";
import { csvText } from "../csv/csv-text.js";
import { InputError } from "../input-error.js";

/** Company by symbol, both as the file writes them; symbols in capitals. */
export type SymbolMaster = ReadonlyMap<string, string>;

const SYMBOL = /^(?:symbol|trading symbol|ticker|scrip|scrip code|security id)$/;
const NAME = /^(?:name|company|company name|name of company|security name|issuer name|description)$/;

/**
 * Reads the file; an empty master without the setting. Two columns are used, found by their header: the symbol (`symbol`) and the
 * company (`name`, `NAME OF COMPANY` and the like).
 * @throws InputError naming the file and what is wrong
 */
export async function loadSymbolMaster(environment: NodeJS.ProcessEnv): Promise<SymbolMaster> {
  const path = environment["COFI_SYMBOLS"];
  if (!path) return new Map();
  const [header, ...rows] = await readRows(path);
  const titles = Array.from({ length: header?.length ?? 0 }, (_, at) => header?.value(at).trim().toLowerCase() ?? "");
  const column = (pattern: RegExp): number => titles.findIndex((title) => pattern.test(title.replaceAll("_", " ")));
  const [symbol, name] = [column(SYMBOL), column(NAME)];
  if (symbol === -1 || name === -1)
    throw new InputError(
      `COFI_SYMBOLS names ${path}, whose first line has no column ${symbol === -1 ? "symbol" : "name"}. ` +
        "Its header needs the columns symbol and name (or NAME OF COMPANY).",
    );
  const master = new Map<string, string>();
  for (const row of rows) {
    const [key, company] = [row.value(symbol).trim().toUpperCase(), row.value(name).trim()];
    if (key !== "" && company !== "") master.set(key, company);
  }
  return master;
}

/** Lower-case hex. */
export function masterSha256(master: SymbolMaster): string {
  return createHash("sha256")
    .update(JSON.stringify([...master]))
    .digest("hex");
}

async function readRows(path: string): Promise<CsvRecord[]> {
  const rows: CsvRecord[] = [];
  const splitter = new CsvSplitter(",");
  try {
    for await (const { text, isLast } of csvText(path, null, undefined))
      for (const row of splitter.split(text, isLast)) {
        if (!(row instanceof CsvRecord)) throw new InputError(`Line ${row.line}: ${row.problem}.`);
        rows.push(row);
      }
  } catch (error) {
    throw new InputError(
      `COFI_SYMBOLS names ${path}, which cannot be read as CSV: ${(error as Error).message.replace(/\.?$/, ".")} Correct the file or unset the variable.`,
      { cause: error },
    );
  }
  return rows;
}
