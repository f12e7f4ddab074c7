import type { ComponentChildren, FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LiveState } from "../live-state.js";
import { usePolled } from "../polled.js";
import { place } from "../views.js";

export interface ViewProps {
  batchId: number;
  state: LiveState;
}

interface DataViewProps<T> extends ViewProps {
  /** Below `api/batch/{id}/`. */
  path: string;
  children: (data: T) => ComponentChildren;
}

/** A view of one answer of the server, narrowed to a cause of errors if there is one: says that it is being read, or why it cannot be. Old data stays, marked. */
export function DataView<T>({ batchId, state, path, children }: DataViewProps<T>) {
  const { cause } = place.value.filters;
  const narrowed = cause ? `?${new URLSearchParams({ cause })}` : "";
  const { data, problem } = usePolled<T>(`api/batch/${batchId}/${path}${narrowed}`, state).value;
  return (
    <>
      {problem !== null && (
        <p class="remark" data-tone="bad" role="alert">
          {problem} {data === null ? "The page tries again by itself." : "What is shown may be old."}
        </p>
      )}
      {data === null ? problem === null && <Reading /> : children(data)}
    </>
  );
}

const LONG_MS = 2_000;

/** While there is nothing to show yet; says after a while why it takes so long. */
export function Reading() {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <p class="soft view-loading" role="status">
      Reading …
      {isLong &&
        " The first look at a batch with a million events takes a quarter of a minute; the cards are there meanwhile."}
    </p>
  );
}

/** A view whose code is fetched when it is shown first. */
export function lazyView(load: () => Promise<FunctionComponent<ViewProps>>): FunctionComponent<ViewProps> {
  let loaded: FunctionComponent<ViewProps> | null = null;
  return function LazyView(props) {
    const [, redraw] = useState(0);
    const [problem, setProblem] = useState("");
    useEffect(() => {
      if (loaded) return;
      load().then(
        (view) => {
          loaded = view;
          return redraw((n) => n + 1);
        },
        () => setProblem("This view could not be fetched: the dashboard may have been updated. Reload the page."),
      );
    }, []);
    if (problem !== "")
      return (
        <p class="remark" data-tone="bad" role="alert">
          {problem}
        </p>
      );
    const View = loaded;
    return View ? <View {...props} /> : <p class="soft view-loading">Reading …</p>;
  };
}
