/** Whether the window is as narrow as a phone, where rows have two lines; the same width as in the style sheets. */
import { signal } from "@preact/signals";

const query = matchMedia("(width < 44rem)");

export const narrow = signal(query.matches);
query.addEventListener("change", () => (narrow.value = query.matches));
