/** Values as the page writes them. */
import { markup, type Html, type Value } from "./html.js";

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

/** A table that may be wider than the page, and is then moved by itself. @param label says what it is, to those who do not see it */
export function wideTable(label: string, heads: readonly string[], rows: readonly (readonly Value[])[]): Html {
  return markup`<div class="wide" tabindex="0" role="region" aria-label="${label}">
    <table>
      <tr>
        ${heads.map((head) => markup`<th>${head}</th>`)}
      </tr>
      ${rows.map(
        (cells) =>
          markup`<tr>
            ${cells.map((cell) => markup`<td>${cell}</td>`)}
          </tr>`,
      )}
    </table>
  </div>`;
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
