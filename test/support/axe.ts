import AxeBuilder from "axe-core";
import type { Page } from "playwright-core";

/** What axe-core finds serious or critical in the page as it is, or in one part of it, with the elements. */
export async function axeViolations(target: Page, within = "html"): Promise<string[]> {
  await target.evaluate(AxeBuilder.source);
  const found = await target.evaluate(async (selector) => {
    const { axe } = globalThis as unknown as { axe: typeof AxeBuilder };
    return (await axe.run(selector)).violations;
  }, within);
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
