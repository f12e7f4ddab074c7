import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Reading, ViewState, type ViewProps } from "./view-state.js";

/** A view whose code is loaded when it is first shown. After a failed load the page is loaded again, as soon as there is one. */
export function lazyView<Props extends object = ViewProps>(
  load: () => Promise<FunctionComponent<Props>>,
): FunctionComponent<Props> {
  let loaded: FunctionComponent<Props> | null = null;
  return function LazyView(props) {
    const [, redraw] = useState(0);
    const [hasFailed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return undefined;
      const left = new AbortController();
      load().then(
        (view) => {
          loaded = view;
          countReloads(0);
          return redraw((n) => n + 1);
        },
        () => {
          setFailed(true);
          void reloadPage(left.signal);
        },
      );
      return () => left.abort();
    }, []);
    const View = loaded;
    if (View) return <View {...props} />;
    if (!hasFailed) return <Reading />;
    return (
      <ViewState glyph="✕" tone="bad" title="This view cannot be loaded right now" alert>
        The dashboard cannot be reached, or is being updated. The page retries automatically.
      </ViewState>
    );
  };
}

const PAUSE_MS = { first: 1_000, most: 30_000 };

/**
 * Loads the page again when the server answers. A browser remembers that an import failed, so importing again would fail
 * without a request; and an updated server has other files. All that the page shows is in its address.
 */
async function reloadPage(left: AbortSignal): Promise<void> {
  const reloads = reloadsSoFar();
  const pause = Math.min(PAUSE_MS.first * 2 ** reloads, PAUSE_MS.most);
  do await waitFor(pause, left);
  while (!left.aborted && !(await isThere(left)));
  if (left.aborted) return;
  countReloads(reloads + 1);
  location.reload();
}

async function isThere(left: AbortSignal): Promise<boolean> {
  try {
    return (await fetch("./", { cache: "no-store", headers: { Accept: "text/html" }, signal: left })).ok;
  } catch {
    // It is not reachable yet, or the view was left.
    return false;
  }
}

function waitFor(ms: number, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = (): void => {
      clearTimeout(timer);
      resolve();
    };
    addEventListener("online", now, { once: true, signal: left });
    left.addEventListener("abort", now, { once: true });
  });
}

/** Kept with the entry of the history, which outlives a reload: so a file that stays away does not make the page reload all the time. */
function reloadsSoFar(): number {
  const { cofiReloads = 0 } = (history.state ?? {}) as { cofiReloads?: number };
  return cofiReloads;
}

function countReloads(count: number): void {
  if (reloadsSoFar() === count) return;
  history.replaceState({ ...(history.state as object | null), cofiReloads: count }, "");
}
