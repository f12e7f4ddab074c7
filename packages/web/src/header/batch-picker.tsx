import type { Batch } from "@cofi/event-log/events";
import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ApiError, fetchBatches } from "../feed/api.js";
import type { LiveState } from "../feed/live-state.js";
import { dayAndTime, number } from "../text/format.js";
import { chooseBatch, chosenBatch } from "../choices/place.js";
import { zone } from "../choices/preferences.js";
import { isPlainClick } from "../choices/routes.js";
import { Icon } from "../shared/icons.js";
import { StatusBadge } from "../shared/status.js";
import { CutName, Name } from "../shared/name.js";

/** A button with the name of the shown batch. It opens a list of all batches, newest first, to search and choose from. */
export function BatchPicker({ current, state }: { current: Batch | null; state: LiveState }) {
  const popover = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const isOpen = useSignal(false);
  const toggled = (event: Pick<ToggleEvent, "newState">): void => {
    isOpen.value = event.newState === "open";
  };
  // Placed and filled before it opens: it is in the top layer, where no element of the page positions it, and a popover
  // that is filled later would let a quick Tab pass it by.
  const prepare = (event: Pick<ToggleEvent, "newState">): void => {
    const element = popover.current;
    if (event.newState !== "open" || !element || !button.current) return;
    isOpen.value = true;
    const box = button.current.getBoundingClientRect();
    element.style.insetBlockStart = `${box.bottom + 6}px`;
    element.style.insetInlineStart = `${Math.max(8, Math.min(box.left, innerWidth - 8 - 416))}px`;
  };
  const id = chosenBatch.value;
  return (
    <>
      <button
        ref={button}
        type="button"
        class="button picker-button"
        popovertarget="batches"
        aria-haspopup="dialog"
        data-testid="batch-picker"
      >
        <span class="soft">{id === null ? "Newest" : "Batch"}</span>
        <span class="picker-name">
          <Name text={current?.name ?? (id === null ? "no batch yet" : `${id}`)} />
        </span>
        <Icon name="down" />
      </button>
      <div
        ref={popover}
        id="batches"
        class="picker"
        popover="auto"
        role="dialog"
        aria-label="Choose a batch"
        onBeforeToggle={prepare}
        onToggle={toggled}
      >
        {isOpen.value && <Choices shown={current} state={state} close={() => popover.current?.hidePopover()} />}
      </div>
    </>
  );
}

interface Loaded {
  batches: readonly Batch[];
  /** null: there are no older batches; undefined: not loaded yet. */
  nextCursor: string | null | undefined;
  isBusy: boolean;
  problem: string;
}

async function loadMore(loaded: Signal<Loaded>, signal: AbortSignal): Promise<void> {
  const before = loaded.peek();
  if (before.isBusy || before.nextCursor === null) return;
  loaded.value = { ...before, isBusy: true, problem: "" };
  try {
    const page = await fetchBatches(before.nextCursor ?? null, signal);
    loaded.value = { ...page, batches: [...before.batches, ...page.batches], isBusy: false, problem: "" };
  } catch (error) {
    if (signal.aborted) return;
    const problem = error instanceof ApiError ? error.message : String(error);
    loaded.value = { ...before, isBusy: false, problem };
  }
}

interface ChoicesProps {
  shown: Batch | null;
  state: LiveState;
  close: () => void;
}

function Choices({ shown, state, close }: ChoicesProps) {
  const query = useSignal("");
  const loaded = useSignal<Loaded>({ batches: [], nextCursor: undefined, isBusy: false, problem: "" });
  const controller = useRef(new AbortController());
  const found = useComputed(() => {
    const wanted = query.value.trim().toLowerCase();
    return loaded.value.batches.filter((batch) => `${batch.name} ${batch.id}`.toLowerCase().includes(wanted));
  });
  useEffect(() => {
    void loadMore(loaded, controller.current.signal);
    return () => controller.current.abort();
  }, []);
  const body = useRef<HTMLDivElement>(null);
  const count = loaded.value.batches.length;
  const countBefore = useRef(count);
  // The last page removes the button that loaded it; the focus then moves to the first batch of that page.
  useLayoutEffect(() => {
    const from = countBefore.current;
    countBefore.current = count;
    if (from === 0 || document.activeElement !== document.body) return;
    const rows = body.current?.querySelectorAll<HTMLElement>("[data-batch]");
    (rows?.[from] ?? body.current?.querySelector<HTMLElement>("input"))?.focus();
  }, [count]);
  const choose = (event: MouseEvent, id: number | null): void => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    close();
    chooseBatch(id);
  };
  return (
    <div class="picker-body" ref={body} onKeyDown={moveFocus}>
      <input
        // The popover gives it the focus as it opens.
        autofocus
        type="search"
        placeholder="Search by name or number"
        aria-label="Search batches"
        value={query.value}
        onInput={(event) => (query.value = event.currentTarget.value)}
      />
      <div class="picker-scroll">
        <a
          class="choice"
          href="?"
          aria-current={chosenBatch.value === null ? "true" : undefined}
          onClick={(event) => choose(event, null)}
        >
          <span class="choice-name">Follow the newest</span>
          <span class="soft">and each new one as it starts</span>
        </a>
        <ul>
          {found.value.map((batch) => (
            <li key={batch.id}>
              <a
                class="choice"
                href={`?batch=${batch.id}`}
                data-batch={batch.id}
                aria-current={chosenBatch.value === batch.id ? "true" : undefined}
                onClick={(event) => choose(event, batch.id)}
              >
                <span class="choice-name">
                  <CutName text={batch.name} />
                </span>
                <StatusBadge batch={shown?.id === batch.id ? shown : batch} state={state} />
                <span class="soft">
                  {batch.id} · {dayAndTime(batch.createdAt, zone.value)}
                  {batch.totalFiles !== null && ` · ${number(batch.totalFiles)} files`}
                </span>
              </a>
            </li>
          ))}
        </ul>
        <More loaded={loaded} found={found} onMore={() => void loadMore(loaded, controller.current.signal)} />
      </div>
    </div>
  );
}

interface MoreProps {
  loaded: ReadonlySignal<Loaded>;
  found: ReadonlySignal<readonly Batch[]>;
  onMore: () => void;
}

function More({ loaded, found, onMore }: MoreProps) {
  const { batches, nextCursor, isBusy, problem } = loaded.value;
  const isEmpty = found.value.length === 0 && !isBusy && nextCursor !== undefined;
  return (
    <div class="picker-more">
      <p class="soft" role="status">
        {problem !== "" && problem}
        {problem === "" &&
          isEmpty &&
          (batches.length === 0 ? "There is no batch yet." : `None among the ${number(batches.length)} newest.`)}
      </p>
      {nextCursor !== null && (
        // aria-disabled, so that the focus stays on the button while it is busy.
        <button type="button" class="button" aria-disabled={isBusy} onClick={onMore}>
          {isBusy ? "Loading …" : problem === "" ? "Load older batches" : "Retry"}
        </button>
      )}
    </div>
  );
}

/** Arrow keys move through the search field, the choices and the button, as in a native list. */
function moveFocus(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const container = event.currentTarget as HTMLElement;
  const stops = [...container.querySelectorAll<HTMLElement>("input, a, button")];
  const at = stops.findIndex((stop) => stop === document.activeElement);
  stops[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  event.preventDefault();
}
