import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LiveState } from "../feed/live-state.js";
import { percent } from "../text/format.js";
import { usePolled, type Polled } from "../feed/polled.js";
import { place } from "../choices/routes.js";

export interface ViewProps {
  batchId: number;
  state: LiveState;
}

interface DataViewProps<T> extends ViewProps {
  /** Below `api/batch/{id}/`. */
  path: string;
  children: (data: T) => ComponentChildren;
}

/** A view of one answer of the server, narrowed to a cause of errors if one is chosen. */
export function DataView<T>(props: DataViewProps<T>) {
  const { cause } = place.value.filters;
  // While the answer is on its way, figures of other files must not appear under this cause.
  return <Narrowed key={cause} {...props} query={cause ? `?${new URLSearchParams({ cause })}` : ""} />;
}

function Narrowed<T>({ batchId, state, path, children, query }: DataViewProps<T> & { query: string }) {
  const answer = usePolled<T>(`api/batch/${batchId}/${path}${query}`, state).value;
  return (
    <Answer {...answer} batchId={batchId} state={state}>
      {children}
    </Answer>
  );
}

interface AnswerProps<T> extends Pick<Polled<T>, "data" | "problem"> {
  /** The batch whose events the server may have to read first; null if none. */
  batchId: number | null;
  state: LiveState;
  children: (data: T) => ComponentChildren;
}

/** Renders an answer; before the first one a loading state or the error. Old data stays visible, with a remark. */
export function Answer<T>({ data, problem, batchId, state, children }: AnswerProps<T>) {
  if (data === null && problem === null) return <Reading batchId={batchId} state={state} />;
  if (data === null)
    return (
      <ViewState glyph="✕" tone="bad" title="This cannot be loaded right now" alert>
        {problem} The page retries automatically.
      </ViewState>
    );
  return (
    <>
      {problem !== null && (
        <p class="remark" data-tone="bad" role="alert">
          {problem} The page may show old data.
        </p>
      )}
      {children(data)}
    </>
  );
}

interface ViewStateProps {
  glyph: string;
  tone: "idle" | "good" | "bad";
  title: string;
  /** Screen readers announce it at once. */
  alert?: boolean;
  children?: ComponentChildren;
}

/** A view without data: its meaning and the remedy. */
export function ViewState({ glyph, tone, title, alert = false, children }: ViewStateProps) {
  return (
    <section class="panel view-state" data-tone={tone} role={alert ? "alert" : undefined}>
      <span class="view-state-glyph" aria-hidden="true">
        {glyph}
      </span>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
    </section>
  );
}

const LONG_MS = 1_000;

/** Grey lines until the first answer; for a huge batch also the share that the server has read. */
export function Reading({ batchId = null, state }: { batchId?: number | null; state?: LiveState }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <section class="panel view-loading" aria-busy="true">
      <p role="status">Loading …{isLong && batchId !== null && state && <Share batchId={batchId} state={state} />}</p>
      <div class="view-lines" aria-hidden="true" />
    </section>
  );
}

function Share({ batchId, state }: { batchId: number; state: LiveState }) {
  const { data } = usePolled<{ share: number | null }>(`api/batch/${batchId}/reading`, state).value;
  if (!data || data.share === null) return null;
  return (
    <>
      {" "}
      <meter value={data.share} aria-label="Events read" /> {percent(data.share)} of this batch read
    </>
  );
}
