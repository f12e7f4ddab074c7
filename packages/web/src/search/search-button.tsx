import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "../shared/icons.js";
import { lazyView } from "../shared/lazy-view.js";

const isOpen = signal(false);
const SearchDialog = lazyView<{ close: () => void }>(async () => (await import("./search-dialog.js")).SearchDialog);

/** Opens the search; so does the key `/`. */
export function SearchButton() {
  useEffect(() => {
    const left = new AbortController();
    addEventListener("keydown", openByKey, { signal: left.signal });
    return () => left.abort();
  }, []);
  return (
    <>
      <button
        type="button"
        class="button quiet search-button"
        aria-haspopup="dialog"
        aria-keyshortcuts="/"
        title="Search trades, calls and what was said: /"
        onClick={() => (isOpen.value = true)}
        data-testid="search"
      >
        <Icon name="search" />
        <span class="search-word">Search</span>
      </button>
      {isOpen.value && <SearchDialog close={() => (isOpen.value = false)} />}
    </>
  );
}

/** Not where the sign is written, or another dialog is open. */
function openByKey(event: KeyboardEvent): void {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const { target } = event;
  const isWritten = target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]");
  if (isWritten || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  isOpen.value = true;
}
