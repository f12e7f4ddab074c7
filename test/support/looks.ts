/** How a page is looked at: wide, at 200 % zoom (720 is half of 1440) and on a phone, light and dark. */
import { mkdir } from "node:fs/promises";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { axeViolations } from "./axe.js";

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

export const LOOKS: readonly Look[] = [
  { width: 1440, height: 900, colorScheme: "light" },
  { width: 1440, height: 900, colorScheme: "dark" },
  { width: 720, height: 450, colorScheme: "light" },
  { width: 390, height: 844, colorScheme: "light" },
  { width: 390, height: 844, colorScheme: "dark" },
];

export async function takeLook(page: Page, { width, height, colorScheme }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height });
}

/** Nothing serious for axe, nothing beyond the sides; the picture is kept in test-results. `selector`: the part that axe looks at. */
export async function expectFit(page: Page, name: string, look: Look, selector?: string): Promise<void> {
  const { width, colorScheme } = look;
  await mkdir("test-results", { recursive: true });
  await page.screenshot({ path: `test-results/${name}-${colorScheme}-${width}.png` });
  expect(await axeViolations(page, selector), `${name} ${colorScheme} ${width}`).toEqual([]);
  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  expect(overflow, `${name} ${width} does not scroll sideways`).toBeLessThanOrEqual(0);
}
