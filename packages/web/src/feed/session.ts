/** Who looks at the page, as the server knows it. */
import { signal } from "@preact/signals";
import { fetchWho, type Permission, type Who } from "./api.js";

/** null until the server has said it. */
export const who = signal<Who | null>(null);

/** The reason that was given last: whoever looks at one call after the other gives it once. Forgotten with the tab. */
export const lastReason = signal("");

export function may(permission: Permission): boolean {
  return who.value?.permissions.includes(permission) ?? false;
}

/** Asks the server again. A server that is away is reported elsewhere, and the next connection asks once more. */
export async function learnWho(signalled: AbortSignal): Promise<void> {
  try {
    who.value = await fetchWho(signalled);
  } catch {
    // What was known still stands.
  }
}
