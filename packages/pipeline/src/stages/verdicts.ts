/** The step `verdicts`, after llm2: judges every trade by what was said in its calls. */
import { asIs, defineStage, IN_PROCESS } from "../batch/stage.js";
import { storeVerdicts } from "../verdict/trade-verdicts.js";
import { summary } from "./log-values.js";

export const verdicts = defineStage(
  "verdicts",
  ["calls", "trades", "ivr", "triaging", "stt", "llm1", "llm2"],
  (context) => ({
    answeredBy: IN_PROCESS,
    plan: async () => ({ units: [] }),
    payload: () => null,
    ask: () => asIs(null),
    async finish() {
      const counts = await storeVerdicts(context);
      await context.logger.info("verdicts", summary("Verdicts", counts), { metadata: Object.fromEntries(counts) });
    },
  }),
);
