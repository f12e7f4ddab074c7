/** The views of the page: how they are named, how one gets there, and when they are there. */
import type { Locator, Page } from "playwright-core";

/** By their names in the address, what their tabs say. */
export const VIEWS = {
  stages: "Stages",
  trades: "Trades",
  files: "Files",
  handoffs: "Handoffs",
  time: "Time",
  hosts: "Hosts",
  errors: "Errors",
  metrics: "Metrics",
  batches: "All batches",
} as const;

export function tab(page: Page, label: string): Locator {
  return page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: label, exact: true });
}

/** Nothing of the view is still being read. */
export async function loaded(page: Page, patience: { timeout?: number } = {}): Promise<void> {
  await page.locator("main:not(:has(.view-loading, [aria-busy='true']))").waitFor(patience);
}

/** The view that was asked for is there, with all that belongs to it. */
export async function settled(page: Page, patience: { timeout?: number } = {}): Promise<void> {
  await page.locator("main .panel, main .card").first().waitFor();
  await loaded(page, patience);
}
