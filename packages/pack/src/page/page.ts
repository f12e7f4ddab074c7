/** `index.html` of a pack: the case as one page that needs neither a server nor a network. */
import { hash } from "node:crypto";
import type { Database } from "@cofi/event-log/database";
import type { TradeCallRecord, TradeRecord } from "@cofi/evidence/records";
import { rowsOf } from "@cofi/evidence/sealed-rows";
import type { ReviewRow } from "@cofi/evidence/review/case";
import type { LoggedVerdict } from "@cofi/evidence/verdict-records";
import { EVENTS } from "../manifest.js";
import { callSection } from "./call.js";
import { Html, markup } from "./html.js";
import type { PageMaterial } from "./material.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";
import { facts, time, wideTable } from "./values.js";

/** Nothing is loaded but what the policy names: the style and the script by their hashes, and sound beside the page. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash("sha256", STYLE, "base64")}'`,
  `script-src 'sha256-${hash("sha256", SCRIPT, "base64")}'`,
  "media-src 'self' file:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Their hashes are of every character in them. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const SCRIPT_ELEMENT = new Html(`<script>${SCRIPT}</script>`);

export async function* page({ case: found, recordings, database }: PageMaterial): AsyncGenerator<string> {
  const { batch, trade, order, candidates, verdicts, reviews, seals } = found;
  const inForce = verdicts.find(({ history }) => history !== true);
  yield markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Trade ${trade.tradeId}</title>
${STYLE_ELEMENT}
</head>
<body>
<header>
<h1>Trade ${trade.tradeId} <span class="verdict${trade.verdict === "CONFIRMED" && " good"}">${trade.verdict ?? "no verdict"}</span></h1>
<p>${trade.verdictReason ?? trade.triageReason}</p>
<p class="quiet">Batch ${batch.id}, ${batch.name}</p>
</header>
<main>
${orderSection(trade, order)}
${inForce && comparisonSection(inForce)}
`.text;
  for (const recording of recordings) yield callSection(recording).text;
  yield triageSection(trade, candidates).text;
  yield historySection(verdicts).text;
  yield* modelSection(database, inForce);
  yield reviewSection(reviews).text;
  yield markup`<section>
<h2>What proves this pack</h2>
<p>manifest.json names the SHA-256 of each file and is signed. README.txt says how to verify it, with Cofi or with openssl and sha256sum.</p>
<p>${
    seals.length === 0
      ? "The events of the batch are not sealed: the batch has not ended, or ended in an earlier version."
      : seals.map(
          ({ seq, at, events, keyId }) =>
            markup`Seal ${seq} of ${time(at.replace(" ", "T"))} covers ${events} events, signed with the key ${keyId}. `,
        )
  }</p>
<p>All events of the case with their payloads: <a href="${EVENTS}">${EVENTS}</a>. Who has looked at them: <a href="access-log.ndjson">access-log.ndjson</a>. The
configuration of each run: <a href="runs.json">runs.json</a>.</p>
</section>
</main>
${SCRIPT_ELEMENT}
</body>
</html>
`.text;
}

function orderSection(trade: TradeRecord, order: readonly TradeRecord[]): Html {
  return markup`<section>
    <h2>What was executed</h2>
    ${facts({
      Order: trade.orderId,
      "Time of the order": trade.orderTime,
      "Time of the trade": trade.tradeTime,
      Client: trade.clientCode,
      "Phones of the client": trade.clientPhones.join(", "),
      Dealer: trade.dealerId,
      Exchange: trade.exchange,
      Instrument: trade.instrument,
      Symbol: trade.symbol,
      Expiry: trade.expiry,
      Strike: trade.strike,
      Option: trade.optionType,
      Side: trade.side,
      Quantity: trade.quantity,
      Price: trade.price,
      "Type of order": trade.orderType,
      "Source of the order": trade.orderSource,
    })}
    ${
      order.length > 1 &&
      markup`<h3>All trades of the order</h3>
        ${wideTable(
          "All trades of the order",
          ["Trade", "Time", "Side", "Quantity", "Symbol", "Price", "Verdict"],
          order.map(({ tradeId, tradeTime, orderTime, side, quantity, symbol, price, verdict }) => [
            tradeId,
            time(tradeTime ?? orderTime),
            side,
            quantity,
            symbol,
            price,
            verdict,
          ]),
        )}`
    }
  </section>`;
}

function comparisonSection({ callId, lines, mismatches }: LoggedVerdict): Html {
  return markup`<section>
    <h2>Compared with what was said${callId !== null && ` in call ${callId}`}</h2>
    ${lines.length === 0 ? markup`<p class="quiet">Nothing was compared.</p>` : lines.map((line) => markup`<p>${line}</p>`)}
    ${mismatches.length > 0 && markup`<p class="problem">Different: ${mismatches.join(", ")}</p>`}
  </section>`;
}

function triageSection(trade: TradeRecord, candidates: readonly TradeCallRecord[]): Html {
  return markup`<section>
    <h2>How the call was found</h2>
    <p>${trade.triage}${trade.triageReason && markup`: ${trade.triageReason}`}</p>
    ${wideTable(
      "Rules",
      ["Rule", "Outcome", "Why"],
      (trade.triageSteps ?? []).map(({ rule, outcome, detail }) => [rule, outcome, detail]),
    )}
    ${
      candidates.length > 0 &&
      markup`<h3>Calls that were considered</h3>
        ${wideTable(
          "Calls that were considered",
          ["Call", "Score", "Taken", "Why"],
          candidates.map(({ callId, score, selected, reason, flags }) => [
            callId,
            markup`<meter min="0" max="100" value="${score}">${score}</meter> ${score}`,
            selected ? "yes" : "no",
            markup`${reason}${flags.length > 0 && ` (${flags.join(", ")})`}`,
          ]),
        )}`
    }
  </section> `;
}

function historySection(verdicts: readonly LoggedVerdict[]): Html {
  return markup`<section>
    <h2>Verdicts, newest first</h2>
    ${verdicts.length === 0 && markup`<p class="quiet">There is no verdict in the log.</p>`}
    ${verdicts.map(
      ({ verdict, reason, loggedAt, run, eventId, confirmedBy, history }) =>
        markup`<p><b>${verdict ?? "no verdict"}</b> ${reason}<br><span class="quiet">${time(loggedAt)}, run ${run ?? "none"}, event ${eventId}${confirmedBy.length > 0 && `, confirmed by run ${confirmedBy.join(", ")}`}${history && ", never in force"}</span></p>`,
    )}
  </section> `;
}

function reviewSection(reviews: readonly ReviewRow[]): Html {
  return markup`<section>
    <h2>Reviews</h2>
    ${
      reviews.length === 0
        ? markup`<p class="quiet">Nobody has reviewed this trade.</p>`
        : wideTable(
            "Reviews",
            ["What", "Who", "When", "Reason", "Note"],
            reviews.map(({ what, who, role, at, reason, note }) => [what, `${who} (${role})`, time(at), reason, note]),
          )
    }
  </section> `;
}

/** The exact questions and answers of the models, one after the other. */
async function* modelSection(database: Database, inForce: LoggedVerdict | undefined): AsyncGenerator<string> {
  yield "<section>\n<h2>Questions to the models, and their answers</h2>\n";
  for (const { callId, stt, llm1, llm2 } of inForce?.restsOn.calls ?? [])
    for (const id of [stt, llm1, llm2]) {
      const [row] = id === null ? [] : await rowsOf(database, [id]);
      if (row)
        yield markup`<details>
          <summary>Call ${callId}, ${String(row.stage)}, event ${row.id}</summary>
          <p>Question</p>
          <pre>${body(row.payload)}</pre>
          <p>Answer</p>
          <pre>${body(row.response)}</pre>
        </details> `.text;
    }
  yield "</section>\n";
}

function body(value: unknown): string {
  return typeof value === "string" ? value : "Not there: there was none, or retention has removed it.";
}
