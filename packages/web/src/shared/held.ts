/** Data that stays still on the page while the pointer or the keyboard's focus is on it. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { number } from "../text/format.js";

interface Held<T> {
  shown: T;
  /** True while newer data waits. */
  isBehind: boolean;
  /** Shows the newer data. */
  release: () => void;
  /** For the element that must not move under the pointer or the focus. */
  hold: {
    ref: (element: HTMLElement | null) => void;
    onPointerEnter: (event: PointerEvent) => void;
    onPointerLeave: () => void;
    onFocusIn: (event: FocusEvent) => void;
    onFocusOut: (event: FocusEvent) => void;
  };
}

/**
 * Chooses which version of repeatedly polled data to show. This is the latest, except while the pointer or the keyboard's
 * focus is on the element: then the version before stays, so that no row moves under them. A change of `subject` is the
 * user's own doing, so it is shown at once.
 * @param moves whether the latest version would move rows of the held one
 * @param update returns the held version with every change that moves no row
 */
export function useHeld<T>(
  subject: string | null,
  latest: T,
  moves: (held: T, latest: T) => boolean,
  update: (held: T, latest: T) => T,
): Held<T> {
  const isHovered = useSignal(false);
  const isFocused = useSignal(false);
  const redraw = useSignal(0);
  void redraw.value;
  const shown = useRef(latest);
  const shownSubject = useRef(subject);
  const isReleased = useRef(false);
  const element = useRef<HTMLElement | null>(null);
  const attach = useMemo(
    () => (now: HTMLElement | null) => {
      element.current = now;
      // An element that was removed sends no leave events.
      if (!now) isHovered.value = isFocused.value = false;
    },
    [],
  );
  // The button that released the newer data is removed by it; the keyboard's focus must not be lost.
  useLayoutEffect(() => {
    if (redraw.value === 0 || document.activeElement !== document.body) return;
    element.current?.querySelector<HTMLElement>("a[href], button, [tabindex='0']")?.focus({ preventScroll: true });
  }, [redraw.value]);
  const isHeld = isHovered.value || isFocused.value;
  const isSame = shownSubject.current === subject;
  shownSubject.current = subject;
  const isBehind = isSame && isHeld && !isReleased.current && moves(shown.current, latest);
  shown.current = isBehind ? update(shown.current, latest) : latest;
  isReleased.current = false;
  return {
    shown: shown.current,
    isBehind,
    release: () => {
      isReleased.current = true;
      redraw.value++;
    },
    hold: {
      ref: attach,
      onPointerEnter: (event) => (isHovered.value = event.pointerType === "mouse"),
      onPointerLeave: () => (isHovered.value = false),
      // Only for the keyboard: a click leaves the focus behind when the pointer moves away.
      onFocusIn: (event) => (isFocused.value = (event.target as Element).matches(":focus-visible")),
      onFocusOut: (event) =>
        (isFocused.value &&= (event.currentTarget as Element).contains(event.relatedTarget as Node | null)),
    },
  };
}

interface RowRules<T> {
  moves: (held: readonly T[], latest: readonly T[]) => boolean;
  update: (held: readonly T[], latest: readonly T[]) => T[];
  /** Text of the button that releases: `3 new`, or that the rows changed otherwise. */
  news: (held: readonly T[], latest: readonly T[]) => string;
}

/** How rows are held: other keys, or another order of them, would move rows; a row with a known key is updated in place. */
export function rowsBy<T>(keyOf: (row: T) => string | number): RowRules<T> {
  const keys = (rows: readonly T[]): string => rows.map(keyOf).join("\n");
  return {
    // An empty list has nothing that could move.
    moves: (held, latest) => held.length > 0 && keys(held) !== keys(latest),
    update: (held, latest) => {
      const known = new Map(latest.map((row) => [keyOf(row), row]));
      return held.map((row) => known.get(keyOf(row)) ?? row);
    },
    news: (held, latest) => {
      const known = new Set(held.map(keyOf));
      const fresh = latest.filter((row) => !known.has(keyOf(row))).length;
      return fresh > 0 ? `${number(fresh)} new` : "Show the changes";
    },
  };
}
