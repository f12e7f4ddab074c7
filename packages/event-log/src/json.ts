import type { Json } from "./events.js";

/** undefined when there is no text or it is no JSON: columns of JSON are only as good as the server that checks them. */
export function parseJson(text: string | null): Json | undefined {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
