/** A JSON value as a tree of native details elements: children are drawn when a branch opens, long lists in ranges. */
import type { Json } from "@cofi/event-log/events";
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../shared/copy-button.js";
import { number } from "../text/format.js";
import {
  CHUNK,
  childCount,
  children,
  isBranch,
  leadsTo,
  leafText,
  rangeSize,
  splitMatches,
  type Child,
  type Place,
} from "./json-search.js";

export interface TreeSearch {
  query: ReadonlySignal<string>;
  /** The current match; the branches that lead to it open. */
  current: ReadonlySignal<Place | null>;
}

const Search = createContext<TreeSearch | null>(null);
const LONG = 600;
/** Small values open on their own. */
const OPEN_AT_FIRST = 30;

export function JsonTree({ value, search }: { value: Json; search: TreeSearch }) {
  const root: Child = { key: "", value, place: "" };
  return (
    <Search.Provider value={search}>
      <div class="tree">
        {isBranch(value) ? <Children of={root} start={0} end={childCount(value)} /> : <Leaf child={root} />}
      </div>
    </Search.Provider>
  );
}

function Children({ of, start, end }: { of: Child; start: number; end: number }) {
  const count = end - start;
  if (count === 0) return <p class="tree-empty">empty {Array.isArray(of.value) ? "list" : "object"}</p>;
  if (count <= CHUNK)
    return (
      <ul>
        {children(of.value, of.place, start, end).map((child) => (
          <li key={child.place}>{isBranch(child.value) ? <Branch child={child} /> : <Leaf child={child} />}</li>
        ))}
      </ul>
    );
  const size = rangeSize(count);
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, index) => start + index * size);
  return (
    <ul>
      {starts.map((from) => (
        <li key={from}>
          <Range of={of} start={from} end={Math.min(end, from + size)} />
        </li>
      ))}
    </ul>
  );
}

function Range({ of, start, end }: { of: Child; start: number; end: number }) {
  return (
    <Foldable
      place={of.place}
      start={start}
      end={end}
      startsOpen={false}
      title={
        <span class="tree-note">
          {number(start)} … {number(end - 1)}
        </span>
      }
    >
      {() => <Children of={of} start={start} end={end} />}
    </Foldable>
  );
}

function Branch({ child }: { child: Child }) {
  const count = childCount(child.value);
  const noun = Array.isArray(child.value) ? "item" : "field";
  return (
    <Foldable
      place={child.place}
      start={0}
      end={Infinity}
      startsOpen={count > 0 && count <= OPEN_AT_FIRST && child.place.split("/").length <= 3}
      title={
        <>
          <Key child={child} />
          <span class="tree-note">
            {Array.isArray(child.value) ? `[${number(count)}]` : `{${number(count)}}`}
            <span class="unseen">
              {" "}
              {noun}
              {count === 1 ? "" : "s"}
            </span>
          </span>
        </>
      }
      actions={<CopyButton what="value" text={() => JSON.stringify(child.value, null, 2)} />}
    >
      {() => <Children of={child} start={0} end={count} />}
    </Foldable>
  );
}

interface FoldableProps {
  place: Place;
  start: number;
  end: number;
  startsOpen: boolean;
  title: ComponentChildren;
  actions?: ComponentChildren;
  children: () => ComponentChildren;
}

function Foldable({ place, start, end, startsOpen, title, actions, children: draw }: FoldableProps) {
  const search = useContext(Search);
  const isOpen = useSignal(startsOpen);
  const isOnTheWay = leadsTo(place, search?.current.value ?? null, start, end);
  useEffect(() => {
    if (isOnTheWay) isOpen.value = true;
  }, [isOnTheWay, search?.current.value]);
  const shown = isOpen.value || isOnTheWay;
  return (
    <div class="tree-branch" data-current={start === 0 && search?.current.value === place ? "" : undefined}>
      <details open={shown} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>{title}</summary>
        {shown && draw()}
      </details>
      {actions}
    </div>
  );
}

function Key({ child }: { child: Child }) {
  const element = useScrolledTo(child.place);
  if (child.place === "") return null;
  return (
    <span class="tree-key" ref={element}>
      <Marked text={child.key} />
      <span class="tree-colon">:</span>
    </span>
  );
}

function Leaf({ child }: { child: Child }) {
  const search = useContext(Search);
  const isWhole = useSignal(false);
  const text = leafText(child.value);
  const isCurrent = search?.current.value === child.place;
  const isLong = text.length > LONG;
  const shown = isLong && !isWhole.value && !isCurrent ? text.slice(0, LONG) : text;
  const kind = child.value === null ? "null" : typeof child.value;
  return (
    <div class="tree-leaf" data-current={isCurrent ? "" : undefined}>
      <Key child={child} />
      <span class={`tree-value tree-${kind}`}>
        {kind === "string" ? "“" : ""}
        <Marked text={shown} />
        {shown.length < text.length ? " …" : ""}
        {kind === "string" ? "”" : ""}
      </span>
      {isLong && !isCurrent && (
        <button type="button" class="link" onClick={() => (isWhole.value = !isWhole.value)}>
          {isWhole.value ? "show less" : `show all ${number(text.length)} characters`}
        </button>
      )}
      <CopyButton what="value" text={() => text} />
    </div>
  );
}

function useScrolledTo(place: Place) {
  const search = useContext(Search);
  const element = useRef<HTMLSpanElement>(null);
  const isCurrent = search?.current.value === place;
  useEffect(() => {
    if (isCurrent) element.current?.scrollIntoView({ block: "center", inline: "nearest" });
  }, [isCurrent]);
  return element;
}

function Marked({ text }: { text: string }) {
  const query = useContext(Search)?.query.value ?? "";
  if (query === "") return <>{text}</>;
  return <>{splitMatches(text, query).map((part) => (part.isMatch ? <mark>{part.text}</mark> : part.text))}</>;
}
