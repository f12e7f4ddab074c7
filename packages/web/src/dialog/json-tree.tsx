/** A JSON value as a tree of native details elements: children are drawn when a branch opens, long lists in ranges. */
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../shared/copy-button.js";
import { Escaped } from "../shared/name.js";
import { number } from "../text/format.js";
import {
  CHUNK,
  childCount,
  children,
  leadsTo,
  rangeSize,
  splitMatches,
  type Child,
  type Place,
} from "./json-search.js";
import { isBranch, writeJson, type JsonNode } from "../shared/json-text.js";

export interface TreeState {
  query: ReadonlySignal<string>;
  /** The current match; the branches that lead to it open. */
  current: ReadonlySignal<Place | null>;
  /** `all` and `none` open and close all branches whenever they are set. */
  branches: ReadonlySignal<"some" | "all" | "none">;
}

/** Values up to this place in reading order open when all do: more would make the page slow. */
export const MOST_OPENED = 2_000;

const Tree = createContext<TreeState | null>(null);
const LONG = 600;
/** Small values open on their own. */
const OPEN_AT_FIRST = 30;

export function JsonTree({ value, state }: { value: JsonNode; state: TreeState }) {
  const root: Child = { key: "", value, place: "" };
  return (
    <Tree.Provider value={state}>
      <div class="tree">
        {isBranch(value) ? <Children of={root} start={0} end={childCount(value)} /> : <Leaf child={root} />}
      </div>
    </Tree.Provider>
  );
}

function Children({ of, start, end }: { of: Child; start: number; end: number }) {
  const count = end - start;
  if (count === 0) return <p class="tree-empty">empty {of.value.kind === "array" ? "list" : "object"}</p>;
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
      at={isBranch(of.value) ? (of.value.values[start]?.at ?? 0) : 0}
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
  const noun = child.value.kind === "array" ? "item" : "field";
  return (
    <Foldable
      place={child.place}
      at={child.value.at}
      start={0}
      end={Infinity}
      startsOpen={count > 0 && count <= OPEN_AT_FIRST && child.place.split("/").length <= 3}
      title={
        <>
          <Key child={child} />
          <span class="tree-note">
            {child.value.kind === "array" ? `[${number(count)}]` : `{${number(count)}}`}
            <span class="unseen">
              {" "}
              {noun}
              {count === 1 ? "" : "s"}
            </span>
          </span>
        </>
      }
      actions={<CopyButton what="value" text={() => writeJson(child.value)} />}
    >
      {() => <Children of={child} start={0} end={count} />}
    </Foldable>
  );
}

interface FoldableProps {
  place: Place;
  /** Its place in reading order. */
  at: number;
  start: number;
  end: number;
  startsOpen: boolean;
  title: ComponentChildren;
  actions?: ComponentChildren;
  children: () => ComponentChildren;
}

function Foldable({ place, at, start, end, startsOpen, title, actions, children: draw }: FoldableProps) {
  const tree = useContext(Tree);
  const branches = tree?.branches.value ?? "some";
  const isOpenToAll = branches === "all" && at < MOST_OPENED;
  const isOpen = useSignal(isOpenToAll || (startsOpen && branches === "some"));
  const isNew = useRef(true);
  useEffect(() => {
    // What the viewer opens and closes by hand afterwards stays so.
    if (!isNew.current && branches !== "some") isOpen.value = isOpenToAll;
    isNew.current = false;
  }, [branches]);
  const isOnTheWay = leadsTo(place, tree?.current.value ?? null, start, end);
  useEffect(() => {
    if (isOnTheWay) isOpen.value = true;
  }, [isOnTheWay, tree?.current.value]);
  const shown = isOpen.value || isOnTheWay;
  return (
    <div class="tree-branch" data-current={start === 0 && tree?.current.value === place ? "" : undefined}>
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
  const tree = useContext(Tree);
  const isWhole = useSignal(false);
  if (isBranch(child.value)) return null;
  const { kind, text } = child.value;
  const isCurrent = tree?.current.value === child.place;
  const isLong = text.length > LONG;
  const shown = isLong && !isWhole.value && !isCurrent ? text.slice(0, LONG) : text;
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
  const tree = useContext(Tree);
  const element = useRef<HTMLSpanElement>(null);
  const isCurrent = tree?.current.value === place;
  useEffect(() => {
    if (isCurrent) element.current?.scrollIntoView({ block: "center", inline: "nearest" });
  }, [isCurrent]);
  return element;
}

function Marked({ text }: { text: string }) {
  const query = useContext(Tree)?.query.value ?? "";
  if (query === "") return <Escaped text={text} />;
  return (
    <>
      {splitMatches(text, query).map((part) =>
        part.isMatch ? (
          <mark>
            <Escaped text={part.text} />
          </mark>
        ) : (
          <Escaped text={part.text} />
        ),
      )}
    </>
  );
}
