/** The trades of a batch with their verdicts: a bar of what became of them, and a window over any number of rows. */
import type { TradeRow, TradesPage } from "@cofi/evidence/shapes";
import { signal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { go, place, tradeQuery, type Filters } from "../../choices/routes.js";
import { usePolled } from "../../feed/polled.js";
import { rowsBy, useHeld } from "../../shared/held.js";
import { Message, Name } from "../../shared/name.js";
import { fieldsInWords, outcomeLook } from "../../shared/outcome-look.js";
import { RouteLink } from "../../shared/route-link.js";
import { Answer, ViewState, type ViewProps } from "../../shared/view-state.js";
import { Windowed } from "../../shared/windowed.js";
import { clock, fullTime, number } from "../../text/format.js";
import { narrow } from "../../shared/narrow.js";
import { OutcomeBar } from "./outcome-bar.js";
import { Toolbar } from "./trades-toolbar.js";

const ROW_PX = { wide: 34, narrow: 62 };
/** Rows of one answer: enough for a tall screen, and as many above and below it. */
const PAGE_ROWS = 120;
const STEP_ROWS = 40;
const ROWS = rowsBy<TradeRow>(({ tradeId }) => tradeId);

export function TradesView({ batchId, state }: ViewProps) {
  const { filters } = place.value;
  // Other filters mean another list, which starts at its top.
  const top = useMemo(() => signal(0), [JSON.stringify(filters)]);
  const offset = Math.max(0, Math.floor(top.value / STEP_ROWS) * STEP_ROWS - STEP_ROWS);
  const query = new URLSearchParams({ ...tradeQuery(filters), offset: String(offset), limit: String(PAGE_ROWS) });
  const { data, answers, problem } = usePolled<TradesPage>(`api/batch/${batchId}/trades?${query}`, state).value;
  return (
    <section class="panel files trades" aria-label="Trades">
      {data && <OutcomeBar outcomes={data.outcomes} />}
      <Toolbar batchId={batchId} filters={filters} page={data} />
      <Answer data={data} problem={problem} batchId={batchId} state={state}>
        {(page) => {
          if (page.total === 0) return <NoTrades filters={filters} />;
          if (page.refusedRows.length > 0) return <RefusedRows page={page} top={top} />;
          return <Rows key={JSON.stringify(filters)} page={page} answers={answers} top={top} />;
        }}
      </Answer>
    </section>
  );
}

function NoTrades({ filters }: { filters: Filters }) {
  return Object.keys(tradeQuery(filters)).length > 0 ? (
    <ViewState glyph="○" tone="idle" title="No trade passes these filters">
      <button type="button" class="button" onClick={() => go({ view: "trades" })}>
        Show all
      </button>
    </ViewState>
  ) : (
    <ViewState glyph="○" tone="idle" title="No trade yet">
      They appear here when trades.csv has been read.
    </ViewState>
  );
}

interface RowsProps {
  page: TradesPage;
  /** The path that it answers. */
  answers: string | null;
  top: Signal<number>;
}

function Rows({ page: latest, answers, top }: RowsProps) {
  const {
    shown: page,
    isBehind,
    release,
    hold,
  } = useHeld(answers?.replace(/[?&]offset=\d+/, "") ?? null, latest, hasOtherRows, updateRows);
  return (
    <div class="matrix trade-matrix" {...hold}>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-trades">
          {latest.total > page.total ? `${number(latest.total - page.total)} new` : "Show the new order"}
        </button>
      )}
      <div class="matrix-head" aria-hidden="true">
        {HEADS.map(([name, word]) => (
          <span key={name} data-cell={name}>
            {word}
          </span>
        ))}
      </div>
      <Windowed
        label="Trades, one a row"
        total={page.total}
        offset={page.offset}
        rowPx={narrow.value ? ROW_PX.narrow : ROW_PX.wide}
        top={top}
      >
        {page.rows.map((row, index) => (
          <Row key={row.tradeId} row={row} index={page.offset + index} isEntrance={index === 0} />
        ))}
      </Windowed>
    </div>
  );
}

const HEADS = [
  ["outcome", "Outcome"],
  ["trade", "Trade"],
  ["order", "Order"],
  ["time", "Ordered"],
  ["client", "Client"],
  ["dealer", "Dealer"],
  ["side", "Side"],
  ["quantity", "Quantity"],
  ["symbol", "Symbol"],
  ["price", "Price"],
  ["call", "Call"],
  ["reason", "Reason"],
] as const;

interface RowProps {
  row: TradeRow;
  index: number;
  /** The row at which the Tab key enters the list. */
  isEntrance: boolean;
}

function Row({ row, index, isEntrance }: RowProps) {
  const { glyph, word, tone, meaning } = outcomeLook(row.outcome);
  const reason = row.reason ?? meaning;
  return (
    <li>
      <RouteLink
        class="matrix-row trade-row"
        to={{ view: "trade", filters: { trade: row.tradeId } }}
        data-index={index}
        tabIndex={isEntrance ? 0 : -1}
        title={reason}
      >
        <span data-cell="outcome" data-tone={tone}>
          <span class="glyph" aria-hidden="true">
            {glyph}
          </span>{" "}
          <Name text={word} />
          {row.mismatches.length > 0 && `: ${fieldsInWords(row.mismatches)}`}
        </span>
        <span data-cell="trade">
          <Name text={row.tradeId} />
        </span>
        <span data-cell="order">
          {row.orderId !== null && <Name text={row.orderId} />}
          {row.fills > 1 && <span class="soft"> {number(row.fills)} fills</span>}
        </span>
        <time data-cell="time" dateTime={row.orderTime} title={fullTime(row.orderTime, zone.value)}>
          {clock(row.orderTime, zone.value)}
        </time>
        <span data-cell="client">
          <Name text={row.client} />
        </span>
        <span data-cell="dealer">
          <Name text={row.dealerId} />
        </span>
        <span data-cell="side" data-side={row.side}>
          <Name text={row.side} />
        </span>
        <span data-cell="quantity">{number(row.quantity)}</span>
        <span data-cell="symbol">
          <Name text={row.symbol} />
        </span>
        <span data-cell="price">{row.price}</span>
        <span data-cell="call">{row.callId === null ? "–" : <Name text={row.callId} />}</span>
        <span data-cell="reason">
          <Name text={reason} />
        </span>
      </RouteLink>
    </li>
  );
}

/** Rows of trades.csv that are no trades, with their first error. */
function RefusedRows({ page, top }: { page: TradesPage; top: Signal<number> }) {
  return (
    <div class="matrix refused-rows">
      <Windowed
        label="Rows of trades.csv that were set aside"
        total={page.total}
        offset={page.offset}
        rowPx={narrow.value ? ROW_PX.narrow : ROW_PX.wide}
        top={top}
      >
        {page.refusedRows.map(({ line, eventId, message }, index) => (
          <li key={line}>
            <button
              type="button"
              class="matrix-row"
              data-index={page.offset + index}
              data-event-id={eventId}
              tabIndex={index === 0 ? 0 : -1}
              onClick={() => showEvent(eventId)}
            >
              <span>Line {number(line)}</span>
              <span class="refused-why">
                <Message text={message ?? "Its error has no text."} />
              </span>
            </button>
          </li>
        ))}
      </Windowed>
    </div>
  );
}

function hasOtherRows(held: TradesPage, latest: TradesPage): boolean {
  return held.offset === latest.offset && ROWS.moves(held.rows, latest.rows);
}

/** Cells change where they stand; a row that has left the window stays as it was. */
function updateRows(held: TradesPage, latest: TradesPage): TradesPage {
  return { ...latest, total: held.total, rows: ROWS.update(held.rows, latest.rows) };
}
