import type { Candidate, TradePage } from "@cofi/evidence/shapes";
import { zone } from "../../choices/preferences.js";
import { Name } from "../../shared/name.js";
import { clock, duration } from "../../text/format.js";

const RESULTS: Readonly<Record<string, string>> = {
  MATCHED: "One call fits.",
  AMBIGUOUS: "Several calls fit about as well; what was said decides.",
  WEAK_MATCH: "A call fits in part.",
  NO_CALL: "No call fits.",
  NO_CALL_FOR_CLIENT: "The client has no call.",
  CALL_AFTER_ORDER: "All calls of the client are later than the order.",
  CALL_OUT_OF_WINDOW: "All calls of the client are too early.",
  CALL_TOO_SHORT: "Hardly anything is said in the call.",
  AUDIO_UNUSABLE: "The recording cannot be heard.",
  OUT_OF_SCOPE: "No call is expected.",
};

/** The rules by which the call was looked for, in their order. */
export function Triage({ page: { triage } }: { page: TradePage }) {
  if (!triage) return null;
  const { result, reason, steps } = triage;
  return (
    <section class="panel" aria-labelledby="triage-title">
      <h2 id="triage-title">How the call was found</h2>
      <p>
        <strong>{RESULTS[result] ?? result}</strong> {reason !== null && <Name text={reason} />}
      </p>
      <ol class="steps-list">
        {steps.map(({ rule, outcome, detail }) => (
          <li key={rule} data-outcome={outcome}>
            <span class="step-rule">{rule.charAt(0) + rule.slice(1).toLowerCase().replaceAll("_", " ")}</span>
            <span class="step-outcome">{outcome}</span>
            <span class="soft">{detail !== null && <Name text={detail} />}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const PARTS = [
  ["phone", "Phone", 40],
  ["clientCode", "Client code", 15],
  ["dealer", "Dealer", 20],
  ["time", "Time", 25],
] as const;

interface CandidatesProps {
  page: TradePage;
  chosen: string | null;
  choose: (callId: string) => void;
}

/** The calls that were considered, with the parts of their scores, and why the others were not taken. */
export function Candidates({ page: { candidates }, chosen, choose }: CandidatesProps) {
  if (candidates.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="candidates-title">
      <h2 id="candidates-title">Calls that were considered</h2>
      <ol class="candidates">
        {candidates.map((candidate) => (
          <CandidateRow
            key={candidate.callId}
            candidate={candidate}
            isChosen={candidate.callId === chosen}
            choose={choose}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  candidate: Candidate;
  isChosen: boolean;
  choose: (callId: string) => void;
}

function CandidateRow({ candidate: { callId, call, triage, decided }, isChosen, choose }: RowProps) {
  return (
    <li data-call={callId}>
      <p class="candidate-head">
        <button type="button" class="button" aria-pressed={isChosen} onClick={() => choose(callId)}>
          <Name text={callId} />
        </button>
        {call && (
          <span class="soft">
            {clock(call.startTime, zone.value)}, {duration(call.durationS * 1_000)}
          </span>
        )}
        {decided && <span class="tag">the verdict rests on it</span>}
        {triage?.selected && !decided && <span class="tag">taken</span>}
        {triage?.flags.map((flag) => (
          <span key={flag} class="tag" data-tone="warn">
            {flag.toLowerCase().replaceAll("_", " ")}
          </span>
        ))}
        {triage && <strong class="candidate-score">{Math.round(triage.score)} of 100</strong>}
      </p>
      {triage && (
        <ul class="score-parts">
          {PARTS.map(([part, word, most]) => (
            <li key={part}>
              <span>{word}</span>
              <meter min={0} max={most} value={triage.parts[part]} aria-label={`${word} of call ${callId}`} />
              <span>
                {Math.round(triage.parts[part] * 10) / 10} of {most}
              </span>
            </li>
          ))}
        </ul>
      )}
      {triage?.reason && (
        <p class="soft">
          <Name text={triage.reason} />
        </p>
      )}
    </li>
  );
}
