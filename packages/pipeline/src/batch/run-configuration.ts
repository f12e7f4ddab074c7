import type { Json } from "@cofi/event-log/events";
import type { PipelineSettings } from "../settings.js";
import { auditQuestions } from "../stages/audit-questions.js";
import type { TriageConfig } from "../triage/triage-config.js";
import { verdictConfig } from "../verdict/verdict-config.js";

/** Everything that decides how a run works and judges, recorded with it. Holds no keys and no passwords. */
export async function runConfiguration({
  settings,
  triageConfig,
  engines,
}: {
  settings: PipelineSettings;
  triageConfig: TriageConfig;
  engines: Json;
}): Promise<Json> {
  const questions: Json = (await auditQuestions()).map((question) => ({ ...question }));
  return {
    triage: triageConfig,
    verdict: { ...verdictConfig(settings) },
    questions,
    pipeline: { ...settings },
    engines,
  };
}
