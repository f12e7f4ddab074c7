/** The settings of the CSV files: which country's numbers stand in them, and how their columns are mapped. */
import { readFile } from "node:fs/promises";
import { Environment } from "@cofi/event-log/environment";
import type { Json } from "@cofi/event-log/events";
import { InputError } from "../input-error.js";
import { MappingError, NO_MAPPING, readMapping, type CsvMapping } from "./csv-mapping.js";
import type { CsvContext } from "./csv-rows.js";
import { phoneCountrySetting, type PhoneCountry } from "@cofi/evidence/phone-number";

export interface CsvSettings {
  /** Of which phone numbers without a country code are; null: such numbers are refused. */
  phoneCountry: PhoneCountry | null;
  mapping: CsvMapping;
  /** The mappings as they were written, by name: recorded with a run. */
  mappingTexts: Readonly<Record<string, Json>>;
}

/** How both files of a batch are read: the settings, and the zone of the batch. */
export type CsvReading = CsvContext & { mapping?: CsvMapping };

export const PLAIN_CSV: CsvSettings = { phoneCountry: null, mapping: NO_MAPPING, mappingTexts: {} };

/** Mappings that come with Cofi. */
const SHIPPED: readonly string[] = ["nse-bse-trades", "asterisk-cdr"];

/**
 * `COFI_PHONE_COUNTRY` and `COFI_CSV_MAPPING`, which names JSON files, or mappings that come with Cofi, with commas between them.
 * @throws SettingsError for a country that there is not; InputError naming the file, the place in it and the problem
 */
export async function csvSettings(variables: NodeJS.ProcessEnv): Promise<CsvSettings> {
  const env = new Environment(variables);
  const country = phoneCountrySetting(env);
  const names = (env.text("COFI_CSV_MAPPING") ?? "").split(",").map((name) => name.trim());
  env.check();
  let mapping = NO_MAPPING;
  const mappingTexts: Record<string, Json> = {};
  for (const name of names.filter(Boolean)) {
    const content = await contentOf(name);
    mappingTexts[name] = content;
    mapping = combined(mapping, mappingOf(name, content));
  }
  return { phoneCountry: country, mapping, mappingTexts };
}

async function contentOf(name: string): Promise<Json> {
  const isShipped = SHIPPED.includes(name);
  const path = isShipped ? new URL(`../../data/mappings/${name}.json`, import.meta.url) : name;
  try {
    return JSON.parse((await readFile(path, "utf8")).replace(/^\ufeff/, "")) as Json;
  } catch (error) {
    const others = isShipped || name.includes("/") ? "" : ` Mappings that come with Cofi: ${SHIPPED.join(", ")}.`;
    throw new InputError(
      `COFI_CSV_MAPPING names ${name}, which cannot be read as JSON: ${(error as Error).message}.${others} Correct the file or the variable.`,
      { cause: error },
    );
  }
}

function mappingOf(name: string, content: Json): CsvMapping {
  try {
    return readMapping(name, content);
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    throw new InputError(`The mapping ${name} (COFI_CSV_MAPPING) is not valid. ${error.message} Correct the file.`, {
      cause: error,
    });
  }
}

function combined(one: CsvMapping, other: CsvMapping): CsvMapping {
  for (const file of ["calls", "trades"] as const) {
    const [first, second] = [one[file], other[file]];
    if (first && second)
      throw new InputError(
        `COFI_CSV_MAPPING names two mappings of ${file}.csv, ${first.name} and ${second.name}: leave one of them out.`,
      );
  }
  return { calls: one.calls ?? other.calls, trades: one.trades ?? other.trades };
}
