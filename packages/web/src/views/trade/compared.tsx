import type { TradePage } from "@cofi/evidence/shapes";
import { Name } from "../../shared/name.js";

const WORDS: Readonly<Record<string, string>> = {
  SIDE: "Side",
  SYMBOL: "Contract",
  QTY: "Quantity",
  PRICE: "Price",
  CLIENT: "Client",
};

const LOOKS = {
  same: { glyph: "✓", word: "agrees", tone: "good" },
  different: { glyph: "≠", word: "differs", tone: "bad" },
  open: { glyph: "?", word: "left open", tone: "warn" },
  none: { glyph: "–", word: "not compared", tone: "idle" },
} as const;

/** Executed beside spoken, field by field. */
export function Compared({ page: { fields, notes } }: { page: TradePage }) {
  return (
    <section class="panel" aria-labelledby="compared-title">
      <h2 id="compared-title">Executed and spoken</h2>
      <div class="table-scroll" tabindex={0} role="group" aria-label="Executed and spoken, field by field">
        <table class="figures-table compared">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Executed</th>
              <th scope="col">Spoken</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {fields.map(({ field, outcome, executed, spoken }) => {
              const { glyph, word, tone } = LOOKS[outcome ?? "none"];
              return (
                <tr key={field} data-field={field} data-outcome={outcome ?? "none"}>
                  <th scope="row">{WORDS[field] ?? field}</th>
                  <td>
                    <Name text={executed} />
                  </td>
                  <td>{spoken === null ? "–" : <Name text={spoken} />}</td>
                  <td data-tone={outcome === "different" ? tone : undefined}>
                    <span class="glyph" data-tone={tone} aria-hidden="true">
                      {glyph}
                    </span>{" "}
                    {word}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {notes.map((note) => (
        <p key={note} class="soft">
          <Name text={note.replace(/^USED: /, "Used up: ")} />
        </p>
      ))}
    </section>
  );
}
