/** The shown view and its filters. Both are in the URL, so a link reopens exactly the page that was sent. */
import { computed, effect, signal } from "@preact/signals";
import { chosenBatch, readUrl, shownBatch } from "./place.js";

export const VIEWS = [
  { name: "stages", label: "Stages" },
  { name: "trades", label: "Trades" },
  { name: "files", label: "Files" },
  { name: "handoffs", label: "Handoffs" },
  { name: "time", label: "Time" },
  { name: "hosts", label: "Hosts" },
  { name: "errors", label: "Errors" },
  { name: "metrics", label: "Metrics" },
  { name: "batches", label: "All batches" },
  { name: "access", label: "Access log" },
  { name: "users", label: "Sessions and users" },
  { name: "trade", label: "Trade" },
] as const;
export type ViewName = (typeof VIEWS)[number]["name"];

/** Parameters of the view of files, named alike in the URL and in the API. */
const FILE_FILTERS = [
  "stage",
  "state",
  "host",
  "cause",
  "text",
  "minDurationMs",
  "sort",
  "order",
  "everything",
] as const;
/** Parameters of the list of trades, beside those that others have too; named alike in the URL and in the API. */
const TRADE_FILTERS = [
  "outcome",
  "tradeId",
  "orderId",
  "client",
  "dealerId",
  "side",
  "symbol",
  "callId",
  "minQuantity",
  "maxQuantity",
  "minPrice",
  "maxPrice",
] as const;
/** All parameters of views. */
const FILTERS = [
  ...FILE_FILTERS,
  "measure",
  "kind",
  "last",
  "status",
  "from",
  "to",
  "before",
  "watch",
  "who",
  "action",
  ...TRADE_FILTERS,
  "trade",
  "call",
  "at",
  "sound",
] as const;
export type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

export interface Route {
  view: ViewName;
  filters: Filters;
  /** The file whose journey is open. */
  file: string | null;
  /** Its compared attempts, at most two, each by the id of its first event. */
  compared: readonly number[];
}

/** The target of a link. */
export interface Destination extends Partial<Route> {
  view: ViewName;
  /** Only for another batch than the shown one. */
  batch?: number;
}

function placeInUrl(): Route {
  const query = new URLSearchParams(location.search);
  const named = VIEWS.find(({ name }) => name === query.get("view"))?.name;
  const view = named ?? (query.has("cause") ? "stages" : landing.peek());
  const filters: Filters = {};
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) filters[name] = value;
  }
  const file = query.get("file");
  const compared = file === null ? null : /^(\d{1,15})(?:,(\d{1,15}))?$/.exec(query.get("compare") ?? "");
  return { view, filters, file, compared: compared ? compared.slice(1).filter(Boolean).map(Number) : [] };
}

/** The view of a batch where a link names none: what matters now, its stages, or its trades where it is over. */
export const landing = signal<"stages" | "trades">("stages");

export const place = signal(placeInUrl());
/** The shown view is the one that the batch opens with, and nothing is filtered. */
export const isLanding = computed(() => {
  const { view, filters } = place.value;
  return view === landing.value && Object.keys(filters).length === 0;
});
/** The requested view; its tab changes at once, before the view is rendered. */
export const askedView = signal(place.value.view);
const read = (): void => {
  place.value = placeInUrl();
  askedView.value = place.value.view;
};
addEventListener("popstate", read);
// Another batch has other files and causes, so links to it have no filters.
effect(() => {
  void chosenBatch.value;
  void landing.value;
  read();
});

/** Views whose links do not name a batch. */
const OF_NO_BATCH: ReadonlySet<ViewName> = new Set(["stages", "batches", "access", "users"] as const);
/** Views that no cause of errors narrows. */
const OF_NO_CAUSE: ReadonlySet<ViewName> = new Set(["batches", "access", "users", "trades", "trade"] as const);

/**
 * Returns the URL of a destination. The current batch and its cause of errors stay unless the destination names others; an
 * empty cause removes the filter. Links name their batch, so that they mean the same when there is a newer one.
 */
export function hrefOf({ view, batch: other, filters = {}, file = null, compared = [] }: Destination): string {
  const kept = OF_NO_CAUSE.has(view) || other !== undefined ? undefined : place.value.filters.cause;
  const wanted: Filters = { ...(kept ? { cause: kept } : {}), ...filters };
  const query = new URLSearchParams();
  const isOfNewest = OF_NO_BATCH.has(view) && !wanted.cause;
  const batch = other ?? chosenBatch.value ?? (isOfNewest ? null : shownBatch.value);
  if (batch !== null) query.set("batch", String(batch));
  // A link to another batch leads to what matters there.
  const isUnnamed = view === "stages" && (other !== undefined || landing.peek() === "stages");
  if (!isUnnamed) query.set("view", view);
  for (const name of FILTERS) if (wanted[name]) query.set(name, wanted[name]);
  if (file !== null) query.set("file", file);
  if (file !== null && compared.length > 0) query.set("compare", compared.join(","));
  return query.size > 0 ? `?${query}` : "?";
}

/** Filters and order of the trades, as parameters of the API. */
export function tradeQuery(filters: Filters): Record<string, string> {
  const names = [...TRADE_FILTERS, "text", "from", "to", "sort", "order"] as const;
  return Object.fromEntries(names.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
}

/** Filters and order of the files, as parameters of the API. */
export function fileQuery(filters: Filters): Record<string, string> {
  return Object.fromEntries(FILE_FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
}

/** With `replace`, for example while somebody types, the back button skips the step. */
export function go(to: Destination, replace = false): void {
  if (replace) history.replaceState(history.state, "", hrefOf(to));
  else history.pushState(null, "", hrefOf(to));
  const arrive = (): void => {
    readUrl();
    read();
  };
  if (to.view === place.peek().view) return arrive();
  // A view of hundreds of rows takes a while, so the tab responds to the click first.
  askedView.value = to.view;
  requestAnimationFrame(() => setTimeout(arrive));
}

/** Changes some filters of the shown view; an empty one is removed. */
export function setFilters(patch: Filters, replace = false): void {
  const { view, filters } = place.peek();
  go({ view, filters: { ...filters, ...patch } }, replace);
}

/** True for a click that does not open another tab or window. */
export function isPlainClick({ button, ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey;
}
