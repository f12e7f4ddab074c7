/** Values as the page writes them. */
import { markup, type Html } from "./html.js";

/** A list of names and values; those that are not known are left out. */
export function facts(values: Readonly<Record<string, string | number | boolean | Date | null | undefined>>): Html {
  const known = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return markup`<dl>
    ${known.map(
      ([name, value]) =>
        markup`<dt>${name}</dt>
          <dd>${shown(value)}</dd>`,
    )}
  </dl>`;
}

function shown(value: string | number | boolean | Date | null | undefined): string {
  if (value instanceof Date) return time(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value ?? "");
}

export function time(value: Date | string): string {
  const text = typeof value === "string" ? value : value.toISOString();
  return `${text.replace("T", " ").replace(/(\.000)?Z$/, "")} UTC`;
}

/** `1:02.5` */
export function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

export function percent(share: number | null): string {
  return share === null ? "" : `${Math.round(share * 100)} %`;
}
