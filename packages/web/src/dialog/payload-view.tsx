import type { Cut } from "@cofi/event-log/events";
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { zone } from "../choices/preferences.js";
import { CopyButton } from "../shared/copy-button.js";
import { Icon } from "../shared/icons.js";
import { Escaped } from "../shared/name.js";
import { bytes, dayAndTime, number } from "../text/format.js";
import { findPlaces, MOST_MATCHES, splitMatches } from "./json-search.js";
import { readJson, type JsonText } from "../shared/json-text.js";
import { JsonTree, MOST_OPENED, type TreeState } from "./json-tree.js";

interface Props {
  title: "Payload" | "Response";
  /** Names the event that the text belongs to if it is another one. */
  note: string | null;
  /** As stored; usually JSON, except when it was cut or another service wrote other text. */
  text: string | null;
  size: number | null;
  cut: Cut | null;
  /** Name of the downloaded file, without its ending. */
  fileName: string;
}

export function PayloadView({ title, note, text, size, cut, fileName }: Props) {
  const parsed = useMemo(() => (text === null || cut ? null : readJson(text)), [text, cut]);
  const isRaw = useSignal(false);
  const branches = useSignal<TreeState["branches"]["value"]>("some");
  const name = title.toLowerCase();
  return (
    <section class="payload" aria-label={title} data-testid={name} tabindex={-1}>
      <div class="payload-head">
        <h3>
          {title} {size !== null && <span class="soft">{bytes(size)}</span>}
          {note !== null && <span class="soft"> {note}</span>}
        </h3>
        {text !== null && (
          <div class="payload-actions">
            {parsed && !isRaw.value && (
              <button
                type="button"
                class="button quiet"
                onClick={() => (branches.value = branches.peek() === "all" ? "none" : "all")}
              >
                {branches.value === "all" ? "Close all" : "Expand all"}
              </button>
            )}
            {parsed && (
              <button
                type="button"
                class="button quiet"
                aria-pressed={isRaw.value}
                onClick={() => (isRaw.value = !isRaw.peek())}
              >
                Raw text
              </button>
            )}
            <button
              type="button"
              class="button quiet"
              onClick={() => download(text, `${fileName}-${name}.${parsed ? "json" : "txt"}`)}
            >
              Download<span class="unseen"> {name}</span>
            </button>
            <CopyButton wide what={name} text={() => text} />
          </div>
        )}
      </div>
      {cut && text !== null && (
        <p class="remark" data-tone="warn">
          <span>
            Stored cut: the first {bytes(new Blob([text]).size)} of {bytes(cut.bytes)}.
            {cut.sha256 !== null && (
              <>
                {" "}
                SHA-256 of the whole: <code>{cut.sha256}</code>
              </>
            )}
          </span>
        </p>
      )}
      {text !== null && !cut && !parsed && (
        <p class="remark" data-tone="warn">
          This is not JSON; it is shown as it was stored.
        </p>
      )}
      {parsed && !isRaw.value && branches.value === "all" && parsed.count > MOST_OPENED && (
        <p class="remark" data-tone="warn" role="status">
          The first {number(MOST_OPENED)} of {number(parsed.count)} values are open. The raw text shows all of them.
        </p>
      )}
      {text === null ? (
        <p class="soft">
          {cut?.removedAt ? `removed by retention on ${dayAndTime(cut.removedAt, zone.value)}` : "none"}
        </p>
      ) : (
        <Searchable
          // The places of matches in a tree are not those in a text.
          key={isRaw.value}
          name={name}
          text={text}
          parsed={isRaw.value ? null : parsed}
          branches={branches}
        />
      )}
    </section>
  );
}

/** Saves the text as it was stored. */
function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url));
}

interface SearchableProps {
  name: string;
  text: string;
  /** null shows the text. */
  parsed: JsonText | null;
  branches: ReadonlySignal<TreeState["branches"]["value"]>;
}

function Searchable({ name, text, parsed, branches }: SearchableProps) {
  const query = useSignal("");
  const index = useSignal(0);
  const places = useComputed(() => {
    if (parsed) return findPlaces(parsed.root, query.value);
    const matches = splitMatches(text, query.value).filter((part) => part.isMatch);
    return matches.map((_, match) => String(match));
  });
  const current = useComputed(() => places.value[index.value] ?? null);
  useSignalEffect(() => {
    void query.value;
    index.value = 0;
  });
  const count = places.value.length;
  const step = (by: number): void => {
    if (count > 0) index.value = (index.peek() + by + count) % count;
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    }
    if (event.key === "Escape" && query.peek() !== "") {
      // The first Escape clears the search, the next one closes the dialog.
      event.preventDefault();
      event.stopPropagation();
      query.value = "";
    }
  };
  return (
    <>
      <div class="find">
        <Icon name="search" />
        <input
          type="search"
          placeholder={`Search in ${name}`}
          aria-label={`Search in ${name}`}
          value={query.value}
          onInput={(event) => (query.value = event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <span class="find-count" role="status">
          {query.value !== "" && (count === 0 ? "no match" : `${number(index.value + 1)} of ${number(count)}`)}
          {count === MOST_MATCHES && "+"}
        </span>
        <button
          type="button"
          class="button quiet square"
          aria-label="Previous match"
          disabled={count === 0}
          onClick={() => step(-1)}
        >
          <Icon name="previous" />
        </button>
        <button
          type="button"
          class="button quiet square"
          aria-label="Next match"
          disabled={count === 0}
          onClick={() => step(1)}
        >
          <Icon name="next" />
        </button>
      </div>
      {parsed ? (
        <JsonTree value={parsed.root} state={{ query, current, branches }} />
      ) : (
        <PlainText text={text} query={query.value} current={current.value} />
      )}
    </>
  );
}

function PlainText({ text, query, current }: { text: string; query: string; current: string | null }) {
  const show = (element: HTMLElement | null): void => element?.scrollIntoView({ block: "center" });
  let match = -1;
  return (
    <pre class="plain" tabindex={0}>
      {splitMatches(text, query).map((part) => {
        if (!part.isMatch) return <Escaped text={part.text} />;
        match++;
        const isCurrent = String(match) === current;
        return (
          <mark key={match} data-current={isCurrent ? "" : undefined} ref={isCurrent ? show : null}>
            <Escaped text={part.text} />
          </mark>
        );
      })}
    </pre>
  );
}
