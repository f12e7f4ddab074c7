/** The symbol master that `COFI_SYMBOLS` names: a CSV file with the company of each symbol, as exchanges publish them. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
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
  const rows = await readRows(path);
  const [header = []] = rows;
  const column = (pattern: RegExp): number =>
    header.findIndex((title) => pattern.test(title.trim().toLowerCase().replaceAll("_", " ")));
  const [symbol, name] = [column(SYMBOL), column(NAME)];
  if (symbol === -1 || name === -1)
    throw new InputError(
      `COFI_SYMBOLS names ${path}, whose first line has no column ${symbol === -1 ? "symbol" : "name"}. ` +
        "Its header needs the columns symbol and name (or NAME OF COMPANY).",
    );
  const master = new Map<string, string>();
  for (const row of rows.slice(1)) {
    const [key = "", company = ""] = [row[symbol]?.trim().toUpperCase(), row[name]?.trim()];
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

async function readRows(path: string): Promise<string[][]> {
  try {
    return parse(await readFile(path), { bom: true, relax_column_count: true, skip_empty_lines: true });
  } catch (error) {
    throw new InputError(
      `COFI_SYMBOLS names ${path}, which cannot be read as CSV: ${(error as Error).message}. Correct the file or unset the variable.`,
      { cause: error },
    );
  }
}
