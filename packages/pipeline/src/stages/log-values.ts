/** How values are put into events. */
import type { Json } from "@cofi/event-log/events";

export function summary(what: string, counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([name, count]) => `${count} ${name}`);
  return `${what}: ${parts.join(", ") || "none"}`;
}

/** What JSON makes of a value: Dates as ISO text, absent fields left out. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}
