/** One trade: what was executed beside what was spoken, how its call was found, and how the verdict came to be. */
import type { TradePage } from "@cofi/evidence/shapes";
import { useSignal } from "@preact/signals";
import { zone } from "../../choices/preferences.js";
import { place, setFilters } from "../../choices/routes.js";
import { getJson, reveal } from "../../feed/api.js";
import { Masked } from "../../shared/masked.js";
import { Name } from "../../shared/name.js";
import { fieldsInWords, outcomeLook } from "../../shared/outcome-look.js";
import { RouteLink } from "../../shared/route-link.js";
import { Reading, ViewState, type ViewProps } from "../../shared/view-state.js";
import { fullTime, number } from "../../text/format.js";
import { useAsked } from "./asked.js";
import { CallPanel } from "./call-panel.js";
import { Compared } from "./compared.js";
import { History } from "./history.js";
import { Candidates, Triage } from "./triage.js";

export function TradeView({ batchId, state }: ViewProps) {
  const tradeId = place.value.filters.trade ?? "";
  // A verdict may be another one when the batch has ended.
  const status = state.batch.value?.status ?? "";
  return <Trade key={`${tradeId} ${status}`} batchId={batchId} tradeId={tradeId} />;
}

function Trade({ batchId, tradeId }: { batchId: number; tradeId: string }) {
  const reason = useSignal<string | null>(null);
  const path = `api/batch/${batchId}/trades/${encodeURIComponent(tradeId)}`;
  const revealed = useSignal<TradePage | null>(null);
  const asked = useAsked<TradePage>(path, getJson).value;
  const data = revealed.value ?? asked.data;
  const { problem, isMissing } = asked;
  if (problem !== null)
    return (
      <ViewState
        glyph="✕"
        tone="bad"
        title={isMissing ? "This trade is not in the batch" : "This cannot be loaded"}
        alert
      >
        {problem}
      </ViewState>
    );
  if (!data) return <Reading />;
  const { candidates } = data;
  const wanted = place.value.filters.call;
  const call =
    candidates.find(({ callId }) => callId === wanted) ?? candidates.find(({ decided }) => decided) ?? candidates[0];
  return (
    <div class="trade" data-trade={tradeId}>
      <section class="panel trade-head" aria-label="Trade">
        <p>
          <RouteLink to={{ view: "trades" }}>All trades</RouteLink>
        </p>
        <Head page={data} />
        {data.masked && (
          <Masked
            reveal={async (why) => {
              revealed.value = await reveal<TradePage>(path, why);
              // The call that is shown with it, too.
              reason.value = why;
            }}
          />
        )}
      </section>
      <div class="trade-columns">
        <div>
          <Compared page={data} />
          <Triage page={data} />
          <Candidates
            page={data}
            chosen={call?.callId ?? null}
            choose={(callId) => setFilters({ call: callId, at: "" })}
          />
          <History page={data} />
        </div>
        {call ? (
          <CallPanel
            key={call.callId}
            batchId={batchId}
            candidate={call}
            reason={reason.value}
            decidingWords={call.decided ? data.trade.reason : null}
          />
        ) : (
          <section class="panel" aria-label="Call">
            <ViewState glyph="∅" tone="idle" title="No call was found for this trade">
              There is nothing to listen to. Other evidence of the order may exist.
            </ViewState>
          </section>
        )}
      </div>
    </div>
  );
}

function Head({ page: { trade, fills } }: { page: TradePage }) {
  const { glyph, word, tone, meaning } = outcomeLook(trade.outcome);
  const differs = trade.mismatches.length > 0 ? ` in ${fieldsInWords(trade.mismatches)}` : "";
  const facts: [string, string | null][] = [
    ["Ordered", fullTime(trade.orderTime, zone.value)],
    ["Executed", trade.tradeTime === null ? null : fullTime(trade.tradeTime, zone.value)],
    ["Order", trade.orderId],
    ["Client", trade.client],
    ["Phones", trade.phones.length === 0 ? null : trade.phones.join(", ")],
    ["Dealer", trade.dealerId],
    ["Ordered by", [trade.orderType, trade.orderSource].filter(Boolean).join(", ") || null],
    ["Exchange", trade.exchange],
  ];
  return (
    <>
      <h2>
        <span class="badge" data-tone={tone}>
          <span class="glyph" aria-hidden="true">
            {glyph}
          </span>
          <Name text={`${word}${differs}`} />
        </span>{" "}
        <Name text={trade.tradeId} />: <Name text={`${trade.side} ${number(trade.quantity)} ${trade.symbol}`} /> at{" "}
        {trade.price}
      </h2>
      <p class="trade-reason">
        <Name text={trade.reason ?? meaning} />
      </p>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Name text={value} />
              </dd>
            </div>
          ),
        )}
      </dl>
      {fills.length > 1 && (
        <p class="soft">
          The order was executed in {number(fills.length)} fills:{" "}
          {fills.map(({ tradeId, quantity, price }, index) => (
            <>
              {index > 0 && ", "}
              {tradeId === trade.tradeId ? (
                <strong>
                  <Name text={tradeId} />
                </strong>
              ) : (
                <RouteLink to={{ view: "trade", filters: { trade: tradeId } }}>
                  <Name text={tradeId} />
                </RouteLink>
              )}{" "}
              ({number(quantity)} at {price})
            </>
          ))}
        </p>
      )}
    </>
  );
}
