/** A call on the page: its sound, what was said, and what was understood of it. */
import type { Evidence } from "@cofi/evidence/records";
import { markup, type Html } from "./html.js";
import type { PageCall } from "./material.js";
import { clock, facts, percent } from "./values.js";

/** Words with less confidence are pale. */
const DOUBTFUL = 0.6;

export function callSection({ call, name, copy, problem }: PageCall): Html {
  const { record, transcript, extracted, answers } = call;
  return markup`<section data-call>
    <h2>Call ${call.callId}</h2>
    ${facts({
      Recording: call.fileName,
      "SHA-256": call.sha256,
      "Begin of the call": record?.startTime,
      "Length in seconds": record?.durationS,
      Direction: record?.direction,
      From: record?.callerNumber,
      To: record?.calleeNumber,
      Dealer: record?.dealerId,
      Client: record?.clientCode,
      Language: transcript?.language ?? record?.language,
      "Recognised by": transcript?.model,
    })}
    ${
      copy
        ? markup`<audio controls preload="metadata" src="${name}"></audio>
            <p data-silent hidden class="problem">
              This browser cannot play the recording. Open <a href="${name}">${name}</a> with another player.
            </p>`
        : markup`<p class="problem">No sound: ${problem}</p>`
    }
    <h3>What was said</h3>
    ${
      transcript
        ? markup`<ol>
            ${transcript.segments.map(
              ({ start_s: from, end_s: to, text, speaker, confidence }) =>
                markup`<li data-from="${from}" data-to="${to}">${at(from)}<span${confidence !== null && confidence < DOUBTFUL && markup` class="doubtful"`}>${speaker && markup`<b>${speaker}:</b> `}${text}</span></li>`,
            )}
          </ol>`
        : markup`<p class="quiet">There is no transcript: the call was not transcribed, or retention has removed it.</p>`
    }
    <h3>Orders that were heard</h3>
    ${
      extracted.length === 0
        ? markup`<p class="quiet">None.</p>`
        : extracted.map(
            (trade) =>
              markup`<p>
                  ${[
                    trade.action,
                    trade.side,
                    trade.quantity,
                    trade.unit?.toLowerCase(),
                    trade.symbol ?? trade.symbolSpoken,
                    trade.strike,
                    trade.optionType,
                    trade.expiry,
                    trade.priceType,
                    trade.price,
                  ]
                    .filter((word) => word !== null && word !== undefined)
                    .join(
                      " ",
                    )}${trade.clientConfirmed !== null && (trade.clientConfirmed ? ", confirmed" : ", not confirmed")}${trade.confidence !== null && `, confidence ${percent(trade.confidence)}`}
                </p>
                ${quotes(trade.evidence)}`,
          )
    }
    <h3>Questions of the audit</h3>
    ${
      answers.length === 0
        ? markup`<p class="quiet">None were asked.</p>`
        : answers.map(
            ({ questionId, answer, confidence, rationale, evidence }) =>
              markup`<p>
                  <b>${questionId}</b>:
                  ${answer}${confidence !== null && `, confidence ${percent(confidence)}`}${rationale && markup`<br /><span class="quiet">${rationale}</span>`}
                </p>
                ${quotes(evidence)}`,
          )
    }
  </section> `;
}

function quotes(evidence: readonly Evidence[]): Html[] {
  return evidence.map(({ start_s: from, quote }) => markup`<blockquote>${at(from)} “${quote}”</blockquote>`);
}

/** Plays from two seconds before. */
function at(seconds: number): Html {
  return markup`<button type="button" data-at="${seconds}">${clock(seconds)}</button> `;
}
