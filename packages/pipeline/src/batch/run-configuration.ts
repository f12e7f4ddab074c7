import type { Json } from "@cofi/event-log/events";
import { PLAIN_CSV, type CsvSettings } from "../csv/csv-settings.js";
import type { PipelineSettings } from "../settings.js";
import { auditQuestions } from "../stages/audit-questions.js";
import { masterSha256, type SymbolMaster } from "../symbols/symbol-master.js";
import type { TriageConfig } from "../triage/triage-config.js";
import { verdictConfig } from "../verdict/verdict-config.js";

/** Everything that decides how a run works and judges, recorded with it. Holds no keys and no passwords. */
export async function runConfiguration({
  settings,
  triageConfig,
  csv = PLAIN_CSV,
  symbolMaster,
  engines,
}: {
  settings: PipelineSettings;
  triageConfig: TriageConfig;
  csv?: CsvSettings;
  symbolMaster?: SymbolMaster;
  engines: Json;
}): Promise<Json> {
  const questions: Json = (await auditQuestions()).map((question) => ({ ...question }));
  return {
    triage: triageConfig,
    csv: { phoneCountry: csv.phoneCountry, mappings: { ...csv.mappingTexts } },
    verdict: { ...verdictConfig(settings) },
    questions,
    pipeline: { ...settings },
    ...(symbolMaster && symbolMaster.size > 0 && { symbols: masterSha256(symbolMaster) }),
    engines,
  };
}
