import { z } from "zod";

const EvidencePayload = z.object({
  segment: z.number().int(),
  start_s: z.number(),
  end_s: z.number(),
  quote: z.string(),
});

/** The parts of an llm1 response that the rules need, whichever engine made it. */
export const Extraction = z.object({
  client_identity: z.object({ name: z.string().nullable(), code: z.string().nullable() }),
  trades: z.array(
    z.object({
      action: z.enum(["NEW", "MODIFY", "CANCEL", "PROPOSAL"]),
      symbol: z.string().nullable(),
      quantity: z.number().nullable(),
      price_type: z.enum(["LIMIT", "MARKET"]).nullable(),
      price: z.number().nullable(),
      read_back: z.boolean().nullable(),
      client_confirmed: z.boolean().nullable(),
      confidence: z.number().min(0).max(1),
      evidence: z.array(EvidencePayload),
    }),
  ),
});

/** One trade of the extraction. */
export type ExtractedTrade = z.infer<typeof Extraction>["trades"][number];
