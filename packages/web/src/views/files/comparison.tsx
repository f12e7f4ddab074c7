import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchEvent } from "../../feed/api.js";
import { readJson, writeJson } from "../../shared/json-text.js";
import { visible } from "../../text/names.js";
import type { PlacedAttempt } from "./attempts.js";
import { diffLines, type DiffLine } from "./line-diff.js";

interface ComparisonProps {
  left: PlacedAttempt;
  right: PlacedAttempt;
  labels: ReadonlyMap<string, string>;
}

/** The differences between two attempts, line by line. */
export function Comparison({ left, right, labels }: ComparisonProps) {
  const shown = useSignal<{ title: string; lines: DiffLine[] }[] | string>("Loading …");
  useEffect(() => {
    const controller = new AbortController();
    const text = async (id: number | null, what: "payload" | "response"): Promise<string> => {
      if (id === null) return "";
      const event = await fetchEvent(id, controller.signal);
      return pretty(event[what] ?? event.errorMessage ?? "");
    };
    const load = async (): Promise<void> => {
      const [a, b, c, d] = await Promise.all([
        text(left.startId ?? left.endId, "payload"),
        text(right.startId ?? right.endId, "payload"),
        text(left.endId, "response"),
        text(right.endId, "response"),
      ]);
      shown.value = [
        { title: "Payload", lines: diffLines(a, b) },
        { title: "Response", lines: diffLines(c, d) },
      ];
    };
    load().catch((error: unknown) => {
      if (!controller.signal.aborted) shown.value = error instanceof Error ? error.message : String(error);
    });
    return () => controller.abort();
  }, [left.id, left.endId, right.id, right.endId]);
  const name = (one: PlacedAttempt): string =>
    `${labels.get(one.stage) ?? visible(one.stage)}, attempt ${one.number ?? one.attempt ?? "?"}`;
  return (
    <section class="comparison" aria-label="Comparison" data-testid="comparison">
      <h3>
        <span class="diff-gone">− {name(left)}</span> <span class="diff-new">+ {name(right)}</span>
      </h3>
      {typeof shown.value === "string" ? (
        <p class="soft">{shown.value}</p>
      ) : (
        shown.value.map(({ title, lines }) => (
          <div key={title}>
            <h4>{title}</h4>
            {lines.every(({ kind }) => kind === "same") ? (
              <p class="soft">No difference.</p>
            ) : (
              <pre class="plain" tabindex={0}>
                {lines.map(({ kind, text }, index) => (
                  <span key={index} class={kind === "same" ? undefined : `diff-${kind}`}>
                    {kind === "same" ? "  " : kind === "gone" ? "− " : "+ "}
                    {text}
                    {"\n"}
                  </span>
                ))}
              </pre>
            )}
          </div>
        ))
      )}
    </section>
  );
}

/** Numbers stay as they were written, so that two that differ in their last digit are a difference. */
function pretty(text: string): string {
  const json = readJson(text);
  return json ? writeJson(json.root) : text;
}
