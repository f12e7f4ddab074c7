/** Sentences that say why an order is not, or not surely, agreed to. */
import type { Found } from "./spoken-orders.js";
import type { VerdictCall } from "./verdict-call.js";
import { answerOf, quoteOf } from "./wording.js";

/** Where the turns of a call cannot be told apart, its words accuse nobody. */
export function turnsUnknown({ callId }: VerdictCall, what: string): string {
  return `Call ${callId} ${what}, but its transcript is one segment, so that nobody can tell question and answer apart: a person has to listen.`;
}

/** Which words of which call end the order. */
export function cancellationOf({ call, cancelled }: Found, what: string): string {
  const where = cancelled!.call === call ? "then cancels it" : `call ${cancelled!.call.callId} cancels it`;
  const orders = cancelled!.call === call ? "orders" : "holds";
  return `Call ${call.callId} ${orders} ${what} and ${where}: ${quoteOf(cancelled!.spoken)}.`;
}

const INSTEAD: Readonly<Record<string, string>> = {
  REFUSED: "the client refuses",
  DEFERRED: "the client puts it off",
  CONDITIONAL: "the client agrees only under a condition",
  OTHER: "the client's answer is about something else",
  DEALER: "the words of agreement are the dealer's",
};

/** Why it cannot be said whether the client agreed. */
export function nobodyKnows({ call, spoken, confirmation }: Found, what: string): string {
  if (confirmation.state === "unknown" && confirmation.of === "WORDS")
    return `Call ${call.callId} speaks of ${what}, and whether the answer agrees is not clear: ${answerOf(spoken)}. A person has to listen.`;
  return `The dealer proposes ${what} in call ${call.callId}, and nobody knows whether it is the client who agrees, because the recording does not tell who speaks: a person has to listen.`;
}

/** Which answer was given in place of a yes. */
export function notAgreed({ call, spoken, confirmation }: Found, what: string, isProposal: boolean): string {
  const holds = !isProposal
    ? `Call ${call.callId} holds ${what}`
    : spoken.initiated_by === "CLIENT"
      ? `Call ${call.callId} speaks of ${what}`
      : `The dealer proposes ${what} in call ${call.callId}`;
  const instead = confirmation.state === "no" ? INSTEAD[confirmation.answer] : undefined;
  return instead === undefined
    ? `${holds}, but no confirmation by the client was heard.`
    : `${holds}, but ${instead}: ${answerOf(spoken)}.`;
}
