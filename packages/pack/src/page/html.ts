/** HTML of values that nobody has checked: what is put into a template is escaped, unless it is HTML that was made so. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = Html | string | number | null | undefined | false | readonly Value[];

/** As a tag of templates. Attributes must stand in double quotes. */
export function markup(pieces: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(pieces.map((piece, place) => piece + escaped(values[place])).join(""));
}

function escaped(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(escaped).join("");
  return String(value).replaceAll(/[&<>"'\p{Cc}]/gu, (character) => ESCAPES[character] ?? "\uFFFD");
}

/** HTML has no place for other control characters. */
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\n": "\n",
  "\t": "\t",
};
