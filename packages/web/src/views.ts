/** Which view is shown and with which filters: all of it in the URL, so that a link reopens exactly what was sent. */
import { effect, signal } from "@preact/signals";
import { chosenBatch, readUrl, shownBatch } from "./preferences.js";

export const VIEWS = [
  { name: "stages", label: "Stages" },
  { name: "files", label: "Files" },
  { name: "handoffs", label: "Handoffs" },
  { name: "time", label: "Time" },
  { name: "hosts", label: "Hosts" },
  { name: "errors", label: "Errors" },
  { name: "metrics", label: "Metrics" },
  { name: "batches", label: "All batches" },
] as const;
export type ViewName = (typeof VIEWS)[number]["name"];

/** Parameters of the view of files; each as it stands in the URL and in the API. */
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
/** Those of the other views beside them. */
const FILTERS = [...FILE_FILTERS, "measure", "last", "status", "from", "to", "before", "watch"] as const;
export type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

export interface Route {
  view: ViewName;
  filters: Filters;
  /** The file whose journey is open. */
  file: string | null;
  /** Ids of the first events of its tries that are compared, two at most. */
  compared: readonly number[];
}

/** What a link leads to. */
export interface Destination extends Partial<Route> {
  view: ViewName;
  /** Another batch than the one shown. */
  batch?: number;
}

function placeInUrl(): Route {
  const query = new URLSearchParams(location.search);
  const view = VIEWS.find(({ name }) => name === query.get("view"))?.name ?? "stages";
  const filters: Filters = {};
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) filters[name] = value;
  }
  const file = query.get("file");
  const compared = file === null ? null : /^(\d{1,15})(?:,(\d{1,15}))?$/.exec(query.get("compare") ?? "");
  return { view, filters, file, compared: compared ? compared.slice(1).filter(Boolean).map(Number) : [] };
}

export const place = signal(placeInUrl());
/** The view that was asked for: its tab shows it at once, before the view is drawn. */
export const askedView = signal(place.value.view);
const read = (): void => {
  place.value = placeInUrl();
  askedView.value = place.value.view;
};
addEventListener("popstate", read);
// Another batch has files and causes of its own: its address holds no filters.
effect(() => {
  void chosenBatch.value;
  read();
});

/** The views that are not of one batch, or of the newest, whichever that is. */
const OF_NO_BATCH: ReadonlySet<ViewName> = new Set(["stages", "batches"] as const);

/**
 * The address of a place, for links. The batch stays unless another is named, and with it the cause of errors that everything
 * is narrowed to (an empty one drops it). A place in a batch names it, so that the link means the same when there is a newer one.
 */
export function hrefOf({ view, batch: other, filters = {}, file = null, compared = [] }: Destination): string {
  const kept = view === "batches" || other !== undefined ? undefined : place.value.filters.cause;
  const wanted: Filters = { ...(kept ? { cause: kept } : {}), ...filters };
  const query = new URLSearchParams();
  const isOfNewest = OF_NO_BATCH.has(view) && !wanted.cause;
  const batch = other ?? chosenBatch.value ?? (isOfNewest ? null : shownBatch.value);
  if (batch !== null) query.set("batch", String(batch));
  if (view !== "stages") query.set("view", view);
  for (const name of FILTERS) if (wanted[name]) query.set(name, wanted[name]);
  if (file !== null) query.set("file", file);
  if (file !== null && compared.length > 0) query.set("compare", compared.join(","));
  return query.size > 0 ? `?${query}` : "?";
}

/** Which files, and in which order, as the API takes it. */
export function fileQuery(filters: Filters): Record<string, string> {
  return Object.fromEntries(FILE_FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : [])));
}

/** `replace`: while somebody types; the back button skips it. */
export function go(to: Destination, replace = false): void {
  if (replace) history.replaceState(history.state, "", hrefOf(to));
  else history.pushState(null, "", hrefOf(to));
  const arrive = (): void => {
    readUrl();
    read();
  };
  if (to.view === place.peek().view) return arrive();
  // A view of hundreds of rows takes its time: the click is answered first, by its tab.
  askedView.value = to.view;
  requestAnimationFrame(() => setTimeout(arrive));
}

/** Changes some filters of the view that is shown; an empty one is dropped. */
export function setFilters(patch: Filters, replace = false): void {
  const { view, filters } = place.peek();
  go({ view, filters: { ...filters, ...patch } }, replace);
}

/** One that does not ask for another tab or window. */
export function isPlainClick({ button, ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey;
}
