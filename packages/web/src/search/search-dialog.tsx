/** The search: one field for trades, calls, clients, telephone numbers and what was said, over one batch or all. */
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { shownBatch } from "../choices/place.js";
import { isPlainClick } from "../choices/routes.js";
import { postJson } from "../feed/api.js";
import { lastReason, may, who } from "../feed/session.js";
import { Icon } from "../shared/icons.js";
import { FoundCalls, FoundTrades, Spoken, type Answer } from "./results.js";

interface State {
  answer: Answer | null;
  /** What the answer is about, and the next page continues. */
  asked: Asked | null;
  isBusy: boolean;
  problem: string;
}

interface Asked {
  text: string;
  batch?: number;
  reason?: string;
}

export function SearchDialog({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const left = useRef(new AbortController());
  const text = useSignal("");
  const isEverywhere = useSignal(shownBatch.peek() === null);
  const state = useSignal<State>({ answer: null, asked: null, isBusy: false, problem: "" });
  useEffect(() => {
    dialog.current?.showModal();
    return () => left.current.abort();
  }, []);

  const batch = shownBatch.value;
  // Nobody is asked for a reason on a dashboard of this machine alone.
  const needsReason = may("contents") && who.value?.way !== "local";
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const asked: Asked = { text: text.peek().trim() };
    if (!isEverywhere.peek() && batch !== null) asked.batch = batch;
    if (needsReason) asked.reason = lastReason.peek().trim();
    if (asked.text !== "") void search(state, asked, left.current.signal);
  };
  return (
    <dialog
      ref={dialog}
      class="search-dialog"
      aria-label="Search"
      onClose={close}
      onKeyDown={moveFocus}
      onClick={(event) => {
        // A link leads to where it was found; a click beside the dialog leaves it.
        const isLink = event.target instanceof Element && event.target.closest("a") !== null;
        if ((isLink && isPlainClick(event)) || event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="dialog-body">
        <form class="search-form" role="search" onSubmit={submit}>
          <div class="search-row">
            <input
              type="search"
              class="button search-field"
              autofocus
              maxlength={500}
              placeholder={'Trade, call, client, number, or words: sell "two hundred" infos*'}
              aria-label="Search for"
              value={text}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
            {/* aria-disabled, so that the focus stays on the button while it is busy. */}
            <button class="button" aria-disabled={state.value.isBusy}>
              {state.value.isBusy ? "Searching …" : "Search"}
            </button>
            <button
              type="button"
              class="button quiet square"
              aria-label="Close"
              onClick={() => dialog.current?.close()}
            >
              <Icon name="close" />
            </button>
          </div>
          <div class="search-row">
            <label class="toolbar-field">
              <span>In</span>
              <select
                class="button"
                value={isEverywhere.value ? "all" : "this"}
                onChange={(event) => (isEverywhere.value = event.currentTarget.value === "all")}
              >
                {batch !== null && <option value="this">this batch</option>}
                <option value="all">all batches</option>
              </select>
            </label>
            {needsReason && (
              <label class="toolbar-field search-reason">
                <span>Reason, for the access log</span>
                <input
                  class="button"
                  required
                  minlength={3}
                  maxlength={1_000}
                  value={lastReason}
                  onInput={(event) => (lastReason.value = event.currentTarget.value)}
                />
              </label>
            )}
          </div>
        </form>
        <div class="dialog-scroll" tabIndex={-1}>
          <Results state={state} more={(asked, after) => void search(state, asked, left.current.signal, after)} />
        </div>
      </div>
    </dialog>
  );
}

async function search(state: Signal<State>, asked: Asked, signal: AbortSignal, after?: number): Promise<void> {
  const before = state.peek();
  if (before.isBusy) return;
  state.value = { ...before, isBusy: true, problem: "" };
  try {
    const body = after === undefined ? asked : { ...asked, after };
    const page = await postJson<Answer>("api/search", body, signal);
    const first = after === undefined ? null : before.answer;
    const answer = first ? { ...first, next: page.next, spoken: [...first.spoken, ...page.spoken] } : page;
    state.value = { answer, asked, isBusy: false, problem: "" };
  } catch (error) {
    if (signal.aborted) return;
    state.value = { ...before, isBusy: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

function Results({ state, more }: { state: Signal<State>; more: (asked: Asked, after: number) => void }) {
  const { answer, asked, isBusy, problem } = state.value;
  if (problem !== "") return <p role="alert">{problem}</p>;
  if (!answer || !asked)
    return (
      <p class="soft">
        All words have to be in a call, in any script. Quotes hold a phrase together; <kbd>infos*</kbd> finds words that
        begin so. Ids, client codes, names of files and telephone numbers are found by their beginnings.
      </p>
    );
  const { trades, calls, spoken, next, unindexed, withheld } = answer;
  const isEverywhere = asked.batch === undefined;
  const isEmpty = trades.length + calls.length + spoken.length === 0;
  return (
    <>
      <p role="status" class={isEmpty ? undefined : "unseen"} data-testid="found">
        {isEmpty
          ? "Nothing was found."
          : `Found: ${trades.length} trades, ${calls.length} calls, and ${spoken.length}${next === null ? "" : " or more"} in which it was said.`}
      </p>
      {withheld && (
        <p class="remark">Your role finds trades by their ids. It does not see whose they are, nor what was said.</p>
      )}
      {trades.length > 0 && <FoundTrades trades={trades} isEverywhere={isEverywhere} />}
      {calls.length > 0 && <FoundCalls calls={calls} isEverywhere={isEverywhere} />}
      {spoken.length > 0 && <Spoken calls={spoken} isEverywhere={isEverywhere} />}
      {next !== null && (
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => more(asked, next)}>
          {isBusy ? "Searching …" : "More calls"}
        </button>
      )}
      {unindexed > 0 && (
        <p class="remark">
          {unindexed.toLocaleString("en")} transcripts of an earlier version cannot be found yet; they are being
          indexed.
        </p>
      )}
    </>
  );
}

/** Arrow keys move through the field and the results. */
function moveFocus(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const { currentTarget, target } = event;
  if (!(currentTarget instanceof HTMLElement) || (target instanceof HTMLElement && target.closest("select"))) return;
  const places = [...currentTarget.querySelectorAll<HTMLElement>("input[type=search], .dialog-scroll a")];
  const at = places.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  places[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
}
