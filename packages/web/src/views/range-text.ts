import type { Range } from "@cofi/views/detail/shapes";
import { duration } from "../text/format.js";

/** `2 min 05 s to 3 min 10 s`; `about 3 s` where both are the same in words. */
export function rangeText([low, high]: Range): string {
  return duration(low) === duration(high) ? `about ${duration(low)}` : `${duration(low)} to ${duration(high)}`;
}
