/** Figures of the fault tests that are one sentence each; the long form keeps them in `test-results`. */
import { mkdir, writeFile } from "node:fs/promises";

/** How often a fault is injected: `npm run faults` sets it, a test run alone does it a few times. */
export function faultRounds(few: number): number {
  return Number(process.env["COFI_FAULT_ROUNDS"] ?? few);
}

/** Prints what was measured; in the long form it also stands in `test-results/faults-<name>.md` afterwards. */
export async function reportFault(name: string, figures: string): Promise<void> {
  console.log(figures);
  if (process.env["COFI_FAULT_ROUNDS"] === undefined) return;
  await mkdir("test-results", { recursive: true });
  await writeFile(`test-results/faults-${name}.md`, `${figures}\n`);
}
