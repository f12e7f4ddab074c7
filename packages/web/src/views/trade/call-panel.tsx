/** The call of a trade: its sound, its words as they run, the orders that were heard in it, and the answers to the audit questions. */
import type { CallPage, Candidate, Quote, TranscriptPage } from "@cofi/evidence/shapes";
import { useMemo } from "preact/hooks";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { place } from "../../choices/routes.js";
import { ApiError, getJson, reveal } from "../../feed/api.js";
import { Name } from "../../shared/name.js";
import { Reading } from "../../shared/view-state.js";
import { fullTime, percent, position } from "../../text/format.js";
import { useAsked } from "./asked.js";
import { Playback } from "./playback.js";
import { Player } from "./player.js";
import { Transcript } from "./transcript.js";

interface CallPanelProps {
  batchId: number;
  candidate: Candidate;
  /** null: contents are shown as they are without one. */
  reason: string | null;
  /** The reason of the verdict, which quotes the words that decided. */
  decidingWords: string | null;
}

interface Heard {
  call: CallPage;
  transcript: TranscriptPage | null;
}

export function CallPanel({ batchId, candidate, reason, decidingWords }: CallPanelProps) {
  const { callId } = candidate;
  const path = `api/batch/${batchId}/calls/${encodeURIComponent(callId)}`;
  const { data, problem } = useAsked<Heard>(JSON.stringify([path, reason]), async (_key, stop) =>
    reason === null ? masked(path, stop) : reveal<Heard>(path, reason, stop),
  ).value;
  const playback = useMemo(() => new Playback(startIn(place.peek().filters.at)), []);
  if (problem !== null)
    return (
      <p class="remark" data-tone="bad" role="alert">
        {problem}
      </p>
    );
  if (!data) return <Reading />;
  const { call, transcript } = data;
  const quotes = quotesOf(call);
  return (
    <section
      class="panel call-panel"
      aria-labelledby="call-title"
      onKeyDown={(event) => moveToQuote(event, quotes, playback)}
    >
      <h2 id="call-title">
        Call <Name text={callId} />
      </h2>
      <p class="soft">
        <Name text={call.fileName} />, {fullTime(call.startTime, zone.value)}
        {call.caller !== null && (
          <>
            , from <Name text={call.caller} />
          </>
        )}
        {call.callee !== null && (
          <>
            {" "}
            to <Name text={call.callee} />
          </>
        )}
      </p>
      <Player path={path} call={call} reason={reason} quotes={quotes} playback={playback} />
      {call.orders.length > 0 && <Orders call={call} deciding={decidingWords} playback={playback} />}
      {transcript ? (
        <Transcript transcript={transcript} quotes={quotes} playback={playback} />
      ) : (
        <p class="soft">This call has no transcript.</p>
      )}
      {call.answers.length > 0 && <Answers call={call} playback={playback} />}
      <Models candidate={candidate} />
    </section>
  );
}

async function masked(path: string, stop: AbortSignal): Promise<Heard> {
  const call = await getJson<CallPage>(path, stop);
  try {
    return { call, transcript: await getJson<TranscriptPage>(`${path}/transcript`, stop) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { call, transcript: null };
    throw error;
  }
}

function startIn(at: string | undefined): number | null {
  return at !== undefined && /^\d{1,6}(?:\.\d{1,3})?$/.test(at) ? Number(at) : null;
}

/** All quotes of the call by time, each once. */
function quotesOf({ orders, answers }: CallPage): Quote[] {
  const all = [...orders, ...answers].flatMap(({ quotes }) => quotes);
  const byPlace = new Map(all.map((quote) => [`${quote.startS} ${quote.text}`, quote]));
  return [...byPlace.values()].toSorted((a, b) => a.startS - b.startS);
}

/** N plays the next quote, P the one before. */
function moveToQuote(event: KeyboardEvent, quotes: readonly Quote[], playback: Playback): void {
  const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "range";
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key !== "n" && key !== "p") return;
  // The sound begins before a quote, so it counts as the one that is heard now.
  const now = playback.at.peek() + HEARD_S;
  const to =
    key === "n" ? quotes.find(({ startS }) => startS > now) : quotes.findLast(({ startS }) => startS < now - BACK_S);
  if (!to) return;
  event.preventDefault();
  void playback.hear(to.startS);
}

const HEARD_S = 2.05;
const BACK_S = 1;

interface PartProps {
  call: CallPage;
  playback: Playback;
}

/** Whether the words of a spoken order stand in the reason of the verdict. A reason cuts long quotes. */
function decides(quotes: readonly Quote[], reason: string | null): boolean {
  return reason !== null && quotes.some(({ text }) => reason.includes(text.slice(0, QUOTED)));
}
const QUOTED = 100;

function Orders({ call, deciding, playback }: PartProps & { deciding: string | null }) {
  return (
    <>
      <h3>Orders that were heard</h3>
      <ol class="heard-orders">
        {call.orders.map((order, index) => {
          const { action, side, quantity, symbol, price, readBack, confirmed, confidence, quotes } = order;
          const words = [
            action === "NEW" ? null : action,
            side,
            quantity,
            symbol,
            price === null ? null : `at ${price}`,
          ];
          return (
            <li key={index} data-decides={decides(quotes, deciding) || undefined}>
              <p>
                <strong>
                  <Name text={words.filter(Boolean).join(" ")} />
                </strong>
                {decides(quotes, deciding) && <span class="tag">decided</span>}
                <span class="soft">
                  {[
                    readBack === null ? null : readBack ? "read back" : "not read back",
                    confirmed === null ? null : confirmed ? "confirmed" : "not confirmed",
                    confidence === null ? null : `${percent(confidence)} sure`,
                  ]
                    .filter(Boolean)
                    .join(", ")}
                </span>
              </p>
              <Quotes quotes={quotes} playback={playback} />
            </li>
          );
        })}
      </ol>
    </>
  );
}

function Answers({ call, playback }: PartProps) {
  return (
    <>
      <h3>Audit questions</h3>
      <ol class="audit-answers">
        {call.answers.map(({ questionId, answer, confidence, rationale, quotes }) => (
          <li key={questionId}>
            <p>
              <span class="audit-question">{questionWords(questionId)}</span>
              <strong>{ANSWERS[answer] ?? answer}</strong>
              {confidence !== null && <span class="soft"> {percent(confidence)} sure</span>}
            </p>
            {rationale !== null && (
              <p class="soft">
                <Name text={rationale} />
              </p>
            )}
            <FirstQuotes quotes={quotes} playback={playback} />
          </li>
        ))}
      </ol>
    </>
  );
}

const ANSWERS: Readonly<Record<string, string>> = { YES: "Yes", NO: "No", UNCLEAR: "Unclear", NA: "Does not apply" };

/** `client_identified` as `Client identified` */
function questionWords(id: string): string {
  const words = id.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Answers rest on many of the same words: the first of them say which. */
function FirstQuotes({ quotes, playback }: { quotes: readonly Quote[]; playback: Playback }) {
  const rest = quotes.slice(SHOWN_QUOTES);
  return (
    <>
      <Quotes quotes={quotes.slice(0, SHOWN_QUOTES)} playback={playback} />
      {rest.length > 0 && (
        <details>
          <summary>{rest.length === 1 ? "1 more quote" : `${rest.length} more quotes`}</summary>
          <Quotes quotes={rest} playback={playback} />
        </details>
      )}
    </>
  );
}
const SHOWN_QUOTES = 1;

function Quotes({ quotes, playback }: { quotes: readonly Quote[]; playback: Playback }) {
  return (
    <ul class="quotes">
      {quotes.map(({ startS, text }) => (
        <li key={`${startS} ${text}`}>
          <button type="button" class="quote" onClick={() => void playback.hear(startS)}>
            <span class="quote-at">{position(startS)}</span> “<Name text={text} />”
          </button>
        </li>
      ))}
    </ul>
  );
}

const MODELS = [
  ["stt", "Speech to text"],
  ["llm1", "Trade extraction"],
  ["llm2", "Audit questions"],
] as const;

/** The exact question to each model, and its answer. */
function Models({ candidate: { events } }: { candidate: Candidate }) {
  const asked = MODELS.flatMap(([stage, word]) => {
    const id = events?.[stage];
    return id === null || id === undefined ? [] : [{ id, word }];
  });
  if (asked.length === 0) return null;
  return (
    <p class="models">
      What the models were asked and answered:{" "}
      {asked.map(({ id, word }) => (
        <button key={id} type="button" class="button" data-event-id={id} onClick={() => showEvent(id)}>
          {word}
        </button>
      ))}
    </p>
  );
}
