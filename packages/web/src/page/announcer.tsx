import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { LiveState } from "../feed/live-state.js";
import { batchWord, statusWord } from "../shared/status.js";
import { zone } from "../choices/preferences.js";
import { visible } from "../text/names.js";

/** Announces changes of status of the batch and its stages to screen readers, and nothing else. */
export function Announcer({ state }: { state: LiveState }) {
  const text = useSignal("");
  const said = useRef(new Map<string, string>());
  useSignalEffect(() => {
    const batch = state.batch.value;
    const now = new Map<string, string>();
    if (batch) now.set(`Batch ${visible(batch.name)}`, batchWord(batch, state.serverNow(), zone.value));
    for (const { summary } of state.stages.value) now.set(summary.value.label, statusWord(summary.value.status));
    const before = said.current;
    said.current = now;
    // The headings announce a new batch; only changes are news.
    const changes = [...now].filter(([name, word]) => before.has(name) && before.get(name) !== word);
    if (changes.length > 0) text.value = changes.map(([name, word]) => `${name}: ${word}`).join(". ");
  });
  return (
    <div class="unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
