import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

interface Held<T> {
  shown: T;
  /** What is shown is not the latest. */
  isBehind: boolean;
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
 * What to show of data that comes again and again: the latest, but while the pointer or the keyboard's focus is on it what
 * was there before, so that no row moves under them. What is about another `subject` was asked for, and is shown. `update` puts into what is held what can change without moving.
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
      // What is gone says nothing of the pointer that was on it.
      if (!now) isHovered.value = isFocused.value = false;
    },
    [],
  );
  // The button that showed what had come is gone, and a keyboard's focus must not be lost with it.
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
      // By keyboard only: a click leaves the focus behind when the pointer goes on.
      onFocusIn: (event) => (isFocused.value = (event.target as Element).matches(":focus-visible")),
      onFocusOut: (event) =>
        (isFocused.value &&= (event.currentTarget as Element).contains(event.relatedTarget as Node | null)),
    },
  };
}
