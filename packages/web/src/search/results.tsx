import { zone } from "../choices/preferences.js";
import type { Destination } from "../choices/routes.js";
import { CutName, Name } from "../shared/name.js";
import { outcomeLook } from "../shared/outcome-look.js";
import { RouteLink } from "../shared/route-link.js";
import { dayAndTime, number, position } from "../text/format.js";

/** As `POST /api/search` gives it. */
export interface Answer {
  trades: {
    batchId: number;
    tradeId: string;
    clientCode: string | null;
    side: string;
    quantity: number;
    symbol: string;
    orderTime: string;
    verdict: string | null;
  }[];
  calls: {
    batchId: number;
    callId: string;
    fileName: string;
    startTime: string;
    clientCode: string | null;
    callerNumber: string | null;
    calleeNumber: string | null;
    tradeId: string | null;
  }[];
  spoken: {
    batchId: number;
    callId: string;
    fileName: string | null;
    tradeId: string | null;
    count: number;
    sentences: Sentence[];
  }[];
  next: number | null;
  unindexed: number;
  withheld: boolean;
}

interface Sentence {
  segment: number;
  startS: number;
  speaker: "dealer" | "client" | null;
  text: string;
  marks: [start: number, end: number][];
}

interface ResultsProps {
  /** Over all batches: each result says of which it is. */
  isEverywhere: boolean;
}

export function FoundTrades({ trades, isEverywhere }: ResultsProps & Pick<Answer, "trades">) {
  return (
    <section aria-label="Trades">
      <h3>Trades</h3>
      <ul class="results">
        {trades.map(({ batchId, tradeId, clientCode, side, quantity, symbol, orderTime, verdict }) => {
          const { glyph, word, tone } = outcomeLook(verdict ?? "UNJUDGED");
          return (
            <li key={`${batchId} ${tradeId}`}>
              <RouteLink class="result" to={{ view: "trade", batch: batchId, filters: { trade: tradeId } }}>
                <span class="result-name">
                  <Name text={tradeId} />
                </span>
                <span class="glyph" data-tone={tone} aria-hidden="true">
                  {glyph}
                </span>
                <span class="soft">
                  {word} · {side} {number(quantity)} <Name text={symbol} />
                  {clientCode !== null && (
                    <>
                      {" · "}
                      <Name text={clientCode} />
                    </>
                  )}
                  {` · ${dayAndTime(orderTime, zone.value)}`}
                  <OfBatch batchId={batchId} isShown={isEverywhere} />
                </span>
              </RouteLink>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function FoundCalls({ calls, isEverywhere }: ResultsProps & Pick<Answer, "calls">) {
  return (
    <section aria-label="Calls">
      <h3>Calls</h3>
      <ul class="results">
        {calls.map((call) => (
          <li key={`${call.batchId} ${call.callId}`}>
            <RouteLink class="result" to={toCall(call)}>
              <span class="result-name">
                <CutName text={call.fileName} />
              </span>
              <span class="soft">
                <Name
                  text={[call.callId, call.clientCode, call.callerNumber, call.calleeNumber]
                    .filter((one) => one !== null)
                    .join(" · ")}
                />
                {` · ${dayAndTime(call.startTime, zone.value)}`}
                <OfBatch batchId={call.batchId} isShown={isEverywhere} />
              </span>
            </RouteLink>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Spoken({ calls, isEverywhere }: ResultsProps & { calls: Answer["spoken"] }) {
  return (
    <section aria-label="What was said">
      <h3>What was said</h3>
      <ul class="results">
        {calls.map((call) => (
          <li key={`${call.batchId} ${call.callId}`}>
            <p class="result-call">
              <CutName text={call.fileName ?? call.callId} />
              <OfBatch batchId={call.batchId} isShown={isEverywhere} />
            </p>
            {call.sentences.map((sentence) => (
              <RouteLink key={sentence.segment} class="result" to={toCall(call, sentence.startS)}>
                <span class="soft">
                  {position(sentence.startS)} {sentence.speaker ?? ""}
                </span>
                <Marked sentence={sentence} />
              </RouteLink>
            ))}
            {call.count > call.sentences.length && (
              <p class="soft">and {number(call.count - call.sentences.length)} more sentences of this call</p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Marked({ sentence: { text, marks } }: { sentence: Sentence }) {
  const parts = [];
  let at = 0;
  for (const [start, end] of marks) {
    parts.push(<Name key={at} text={text.slice(at, start)} />, <mark key={start}>{text.slice(start, end)}</mark>);
    at = end;
  }
  return (
    <span class="sentence">
      {parts}
      <Name text={text.slice(at)} />
    </span>
  );
}

function OfBatch({ batchId, isShown }: { batchId: number; isShown: boolean }) {
  return isShown ? <span class="soft"> · batch {batchId}</span> : null;
}

/** To the call with its sound, or, where no trade has to do with it, to the file. */
function toCall(
  { batchId, callId, fileName, tradeId }: Answer["spoken"][number] | Answer["calls"][number],
  startS?: number,
): Destination {
  if (tradeId === null) return { view: "files", batch: batchId, file: fileName };
  const at = startS === undefined ? {} : { at: startS.toFixed(2) };
  return { view: "trade", batch: batchId, filters: { trade: tradeId, call: callId, ...at } };
}
