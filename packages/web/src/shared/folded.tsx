import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Message } from "./name.js";

/** A message in at most two lines, with its line breaks; a button shows all of a longer one. */
export function Folded({ text }: { text: string }) {
  const isOpen = useSignal(false);
  const isCut = useSignal(false);
  const element = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) return undefined;
    const measure = (): void => {
      // When it is open, nothing is cut, and the button must stay.
      if (!isOpen.peek()) isCut.value = measured.scrollHeight > measured.clientHeight + 1;
    };
    const resized = new ResizeObserver(measure);
    resized.observe(measured);
    return () => resized.disconnect();
  }, [text]);
  return (
    <>
      <span ref={element} class={isOpen.value ? "message" : "folded"}>
        <Message text={text} />
      </span>
      {isCut.value && (
        <button type="button" class="link" aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.peek())}>
          {isOpen.value ? "Show less" : "Show all of it"}
        </button>
      )}
    </>
  );
}
