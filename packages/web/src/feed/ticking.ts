import { signal, type ReadonlySignal } from "@preact/signals";

const second = signal(0);
const quarter = signal(0);
setInterval(() => second.value++, 1_000);
setInterval(() => quarter.value++, 250);

/** Reading one in a component renders it every second (`slow`) or four times a second (`fast`). */
export const ticks: { readonly slow: ReadonlySignal<number>; readonly fast: ReadonlySignal<number> } = {
  slow: second,
  fast: quarter,
};
