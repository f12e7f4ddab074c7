import { TRADE_SORTS, type TradeSort } from "@cofi/evidence/outcomes";
import type { TradesPage } from "@cofi/evidence/shapes";
import { zone } from "../../choices/preferences.js";
import { go, setFilters, tradeQuery, type Filters } from "../../choices/routes.js";
import { outcomeLook } from "../../shared/outcome-look.js";
import { SearchField, SelectField } from "../../shared/toolbar.js";
import { fullTime, number } from "../../text/format.js";
import { visible } from "../../text/names.js";
import { instantOf, localTimeOf } from "../../text/zones.js";

const SORT_WORDS: Readonly<Record<TradeSort, string>> = {
  verdict: "Unproven first",
  trade: "By trade",
  order: "By order",
  time: "By time",
  dealer: "By dealer",
  side: "By side",
  quantity: "By quantity",
  symbol: "By symbol",
  price: "By price",
  call: "By call",
};

/** Filters of one value, with their words. */
const EXACT = [
  ["tradeId", "Trade"],
  ["orderId", "Order"],
  ["client", "Client"],
  ["dealerId", "Dealer"],
  ["symbol", "Symbol"],
  ["callId", "Call"],
] as const;
const RANGES = [
  ["minQuantity", "Quantity from", "number"],
  ["maxQuantity", "Quantity to", "number"],
  ["minPrice", "Price from", "number"],
  ["maxPrice", "Price to", "number"],
  ["from", "Ordered from", "time"],
  ["to", "Ordered before", "time"],
] as const;
const FORMATS = ["csv", "json", "ndjson"] as const;

interface ToolbarProps {
  batchId: number;
  filters: Filters;
  page: TradesPage | null;
}

export function Toolbar({ batchId, filters, page }: ToolbarProps) {
  const outcomes = page?.outcomes.map(({ outcome }) => [outcome, visible(outcomeLook(outcome).word)] as const) ?? [];
  const chosen = filters.outcome;
  const isListed = chosen === undefined || outcomes.some(([outcome]) => outcome === chosen);
  const isRefused = chosen === "REFUSED";
  return (
    <div class="toolbar">
      <SearchField
        label="Trade, order, call, symbol or dealer, in full"
        placeholder="Trade, order, call, symbol …"
        value={filters.text}
        onSearch={(text) => setFilters({ text }, true)}
      />
      <SelectField
        label="Outcome"
        value={chosen}
        options={[["", "Any outcome"], ...outcomes, ...(isListed ? [] : [[chosen, chosen] as const])]}
        onChoose={(outcome) => setFilters({ outcome })}
      />
      <SelectField
        label="Side"
        value={filters.side}
        options={[
          ["", "Buy and sell"],
          ["BUY", "Buy"],
          ["SELL", "Sell"],
        ]}
        onChoose={(side) => setFilters({ side })}
      />
      <SelectField
        label="Order of the rows"
        value={filters.sort ?? "verdict"}
        options={TRADE_SORTS.map((sort) => [sort, SORT_WORDS[sort]] as const)}
        onChoose={(sort) => setFilters({ sort: sort === "verdict" ? "" : sort })}
      />
      <button
        type="button"
        class="button square"
        aria-label={filters.order === "desc" ? "Descending; switch to ascending" : "Ascending; switch to descending"}
        onClick={() => setFilters({ order: filters.order === "desc" ? "" : "desc" })}
      >
        {filters.order === "desc" ? "↓" : "↑"}
      </button>
      <MoreFilters filters={filters} />
      <Chosen filters={filters} />
      <ExportTrades batchId={batchId} filters={filters} />
      <span class="toolbar-total" role="status" data-testid="trades-total">
        {page &&
          `${number(page.total)} ${isRefused ? "refused " : ""}${words(page.total, isRefused ? "row" : "trade")}`}
      </span>
    </div>
  );
}

function words(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}

function MoreFilters({ filters }: { filters: Filters }) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const patch: Filters = {};
    for (const [name] of EXACT) patch[name] = textOf(given, name);
    for (const [name, , kind] of RANGES) {
      const text = textOf(given, name);
      patch[name] = kind === "time" && text !== "" ? (instantOf(text, zone.peek()) ?? "") : text;
    }
    document.getElementById("trade-filters")?.hidePopover();
    setFilters(patch);
  };
  return (
    <>
      <button type="button" class="button" popovertarget="trade-filters" aria-haspopup="dialog">
        More filters
      </button>
      <div id="trade-filters" class="picker export" popover="auto" role="dialog" aria-label="More filters">
        <form class="filter-form" key={JSON.stringify(filters)} onSubmit={submit}>
          {EXACT.map(([name, word]) => (
            <label key={name}>
              <span>{word}</span>
              <input class="button" name={name} value={filters[name] ?? ""} maxlength={400} autocomplete="off" />
            </label>
          ))}
          {RANGES.map(([name, word, kind]) => (
            <label key={name}>
              <span>{word}</span>
              {kind === "number" ? (
                <input class="button" name={name} type="number" step="any" value={filters[name] ?? ""} />
              ) : (
                <input
                  class="button"
                  name={name}
                  type="datetime-local"
                  step="1"
                  value={localTimeOf(filters[name] ?? "", zone.value)}
                />
              )}
            </label>
          ))}
          <button class="button">Show</button>
        </form>
      </div>
    </>
  );
}

function textOf(given: FormData, name: string): string {
  const value = given.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** What is filtered by, each with a button that ends it. */
function Chosen({ filters }: { filters: Filters }) {
  const chosen = [
    ...EXACT.flatMap(([name, word]) => (filters[name] ? [[name, `${word} ${visible(filters[name])}`] as const] : [])),
    ...RANGES.flatMap(([name, word, kind]) => {
      const value = filters[name];
      if (!value) return [];
      return [[name, `${word} ${kind === "time" ? fullTime(value, zone.value) : value}`] as const];
    }),
  ];
  const isFiltered = Object.keys(tradeQuery(filters)).some((name) => name !== "sort" && name !== "order");
  return (
    <>
      {chosen.map(([name, text]) => (
        <button
          key={name}
          type="button"
          class="button quiet chosen"
          title="Ends this filter"
          onClick={() => setFilters({ [name]: "" })}
        >
          {text} ✕
        </button>
      ))}
      {isFiltered && (
        <button type="button" class="button quiet" onClick={() => go({ view: "trades" })}>
          Show all
        </button>
      )}
    </>
  );
}

function ExportTrades({ batchId, filters }: { batchId: number; filters: Filters }) {
  if (filters.outcome === "REFUSED") return null;
  return (
    <>
      <button type="button" class="button" popovertarget="export" aria-haspopup="dialog">
        Export
      </button>
      <div id="export" class="picker export" popover="auto" role="dialog" aria-label="Export">
        <h2>These trades, with their verdicts</h2>
        <p class="pages">
          {FORMATS.map((format) => (
            <a
              key={format}
              class="button"
              download=""
              href={`api/batch/${batchId}/export/trades?${new URLSearchParams({ ...tradeQuery(filters), format })}`}
            >
              {format.toUpperCase()}
            </a>
          ))}
        </p>
        <p class="soft">Contents are as on this page: where they are masked here, they are masked in the file.</p>
      </div>
    </>
  );
}
