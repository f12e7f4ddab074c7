import type { Quote, TranscriptPage } from "@cofi/evidence/shapes";
import { useComputed } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { moveFocus } from "../../shared/row-keys.js";
import { Name } from "../../shared/name.js";
import { percent, position } from "../../text/format.js";
import type { Playback } from "./playback.js";

interface TranscriptProps {
  transcript: TranscriptPage;
  quotes: readonly Quote[];
  playback: Playback;
}

/** Below these, what was heard is doubtful, or hardly more than a guess. */
const DOUBTFUL = 0.7;
const GUESS = 0.4;

/** What was said, with who said it. It runs along with the sound; a click plays from two seconds before. */
export function Transcript({ transcript: { segments, confidence, model }, quotes, playback }: TranscriptProps) {
  const list = useRef<HTMLOListElement>(null);
  const current = useComputed(() => {
    const at = playback.at.value;
    return segments.findLastIndex(({ startS }) => startS <= at + TOLERANCE_S);
  });
  useLayoutEffect(() => {
    const row = list.current?.children[current.value];
    const box = list.current;
    if (!box || !(row instanceof HTMLElement) || !playback.isPlaying.peek() || box.matches(":hover")) return;
    // Of the list alone: the page stays where it is.
    const above = row.offsetTop - box.offsetTop;
    if (above < box.scrollTop || above + row.offsetHeight > box.scrollTop + box.clientHeight)
      box.scrollTop = above - box.clientHeight / 3;
  }, [current.value]);
  return (
    <>
      <h3>
        What was said
        <span class="soft transcript-sure">
          {confidence !== null && ` ${percent(confidence)} sure`}
          {model !== null && `, by ${model}`}
        </span>
      </h3>
      <ol class="transcript" ref={list} onKeyDown={moveFocus} aria-label="What was said; a click plays it">
        {segments.map(({ id, startS, text, confidence: sure, speaker, endS }, index) => {
          const isQuoted = quotes.some((quote) => quote.startS < endS && quote.endS > startS);
          return (
            <li key={id}>
              <button
                type="button"
                class="row utterance"
                tabIndex={index === Math.max(0, current.value) ? 0 : -1}
                data-sure={
                  sure === null ? undefined : sure < GUESS ? "guess" : sure < DOUBTFUL ? "doubtful" : undefined
                }
                data-quoted={isQuoted || undefined}
                aria-current={index === current.value ? "true" : undefined}
                title={sure === null ? undefined : `${percent(sure)} sure`}
                onClick={() => void playback.hear(startS)}
              >
                <span class="segment-at">{position(startS)}</span>
                <span class="segment-who" data-speaker={speaker ?? "unknown"}>
                  {speaker === "dealer" ? "Dealer" : speaker === "client" ? "Client" : ""}
                </span>
                <span>
                  <Name text={text} />
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </>
  );
}

const TOLERANCE_S = 0.05;
