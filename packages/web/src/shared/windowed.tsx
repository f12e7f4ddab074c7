/** A list of any number of rows of one height, of which only a part is drawn. One stop of the Tab key: arrow keys move through the rows. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface WindowedProps {
  /** For screen readers. */
  label: string;
  total: number;
  /** Of all rows, the place of the first one that is drawn. */
  offset: number;
  rowPx: number;
  /** The place of the row at the top, which scrolling changes. */
  top: Signal<number>;
  /** `li` elements, each with something of `data-index` that takes the focus. */
  children: ComponentChildren;
}

export function Windowed({ label, total, offset, rowPx, top, children }: WindowedProps) {
  const scroll = useRef<HTMLDivElement>(null);
  // A list that was empty meanwhile is created again and is not scrolled.
  useLayoutEffect(() => void (top.value = 0), []);
  /** The row that gets the focus as soon as it is drawn. */
  const wanted = useRef<number | null>(null);
  useLayoutEffect(() => {
    const row = scroll.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!row) return;
    wanted.current = null;
    row.focus();
  });
  const move = (event: KeyboardEvent): void => {
    const element = scroll.current;
    const at = Number((document.activeElement as HTMLElement | null)?.dataset["index"] ?? Number.NaN);
    if (!element || Number.isNaN(at)) return;
    const screen = Math.max(1, Math.floor(element.clientHeight / rowPx) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: screen, PageUp: -screen, Home: -at, End: total };
    const step = steps[event.key as keyof typeof steps];
    if (step === undefined) return;
    event.preventDefault();
    const to = Math.max(0, Math.min(total - 1, at + step));
    const row = element.querySelector<HTMLElement>(`[data-index="${to}"]`);
    if (row) return row.focus();
    wanted.current = to;
    element.scrollTop = to * rowPx;
  };
  return (
    <div
      class="matrix-scroll"
      ref={scroll}
      role="group"
      aria-label={label}
      onKeyDown={move}
      onScroll={(event) => (top.value = Math.floor(event.currentTarget.scrollTop / rowPx))}
    >
      <div style={{ blockSize: `${total * rowPx}px`, position: "relative" }}>
        <ol style={{ insetBlockStart: `${offset * rowPx}px` }} class="matrix-rows">
          {children}
        </ol>
      </div>
    </div>
  );
}
