/** Compares the client code that was heard with the trade's, in view of the other clients of the batch. */
import { plain } from "./contract-comparison.js";
import type { Finding, Known } from "./executed-order.js";
import type { VerdictConfig } from "./verdict-config.js";

/** Another client's only if that client is known and the code is nearer to it; else it may be misheard, and far from all it is for a person. */
export function compareClient(
  clientCode: string,
  heardCode: string | null,
  { otherClients }: Known,
  config: VerdictConfig,
): Finding {
  if (heardCode === null) return { outcome: "open", text: "no client code heard" };
  const apart = codeDistance(plain(heardCode), plain(clientCode));
  const text = `heard client ${heardCode}, executed for ${clientCode}`;
  if (apart === 0) return { outcome: "same", text };
  const other = otherClients[plain(heardCode)];
  const isOther = other !== undefined && codeDistance(plain(heardCode), plain(other)) < apart;
  if (isOther && apart > config.clientCodeTolerance) {
    const whose = plain(other) === plain(heardCode) ? "" : `, nearer to client ${other}`;
    return { outcome: "different", text: `${text}${whose}` };
  }
  const misheard = { outcome: "open" as const, text: `${text}; the code may be misheard` };
  const isFar = apart > 2 * config.clientCodeTolerance;
  return isOther || isFar ? { ...misheard, missing: "the client" } : misheard;
}

/** Weighted Levenshtein distance of two codes: what was heard instead of a letter costs half of what a digit does. */
export function codeDistance(a: string, b: string): number {
  const cost = (character: string | undefined): number =>
    character !== undefined && /[A-Z]/.test(character) ? 0.5 : 1;
  let row = [0];
  for (const character of b) row.push((row.at(-1) ?? 0) + cost(character));
  for (const heard of a) {
    const next = [(row[0] ?? 0) + cost(heard)];
    for (const [index, meant] of [...b].entries()) {
      const swap = heard === meant ? 0 : Math.max(cost(heard), cost(meant));
      next.push(
        Math.min((next[index] ?? 0) + cost(meant), (row[index + 1] ?? 0) + cost(heard), (row[index] ?? 0) + swap),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/**
 * The clients of a batch, by which one finds those whose code is like another: the same, or the same but for one character.
 * A broker has tens of thousands of clients, so that codes are looked up and not compared one by one.
 */
export class ClientCodes {
  readonly #codes = new Set<string>();
  /** By a code with one character left open. */
  readonly #alike = new Map<string, string[]>();

  constructor(codes: Iterable<string>) {
    for (const code of codes) {
      const key = plain(code);
      if (this.#codes.has(key)) continue;
      this.#codes.add(key);
      for (const open of withOneOpen(key)) {
        const known = this.#alike.get(open);
        if (known) known.push(key);
        else this.#alike.set(open, [key]);
      }
    }
  }

  /** The code nearest to `heard`, of all but `own`; undefined where none is like it. Of equally near ones the first of the alphabet. */
  nearestOther(heard: string, own: string): string | undefined {
    const [key, mine] = [plain(heard), plain(own)];
    if (key !== mine && this.#codes.has(key)) return key;
    const alike = new Set(withOneOpen(key).flatMap((open) => this.#alike.get(open) ?? []));
    alike.delete(mine);
    return [...alike].toSorted((a, b) => codeDistance(key, a) - codeDistance(key, b) || (a < b ? -1 : 1))[0];
  }
}

function withOneOpen(code: string): string[] {
  return Array.from(code, (_, at) => `${code.slice(0, at)}?${code.slice(at + 1)}`);
}
