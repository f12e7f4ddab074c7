/** What a number means in an order, by the words beside it. */
import type { SpokenSegment, Span } from "./words.js";

/** `free` when no word near it tells, `negated` after "not". */
export type Role = "quantity" | "lots" | "price" | "trigger" | "strike" | "negated" | "free";

const SHARES = /^(shares?|quantity|qty|stocks?|units?|nos|scrips?|equities|equity)$/;
const LOTS = /^lots?$/;
export const STRIKE_NEXT = /^(call|calls|put|puts|ce|pe|strike)$/;
/** "fourteen hundred ka call" */
const OF = /^(ka|ke|ki|wala|wali)$/;
/** Words after a price, as Hindi has them: "do sau pachas pe". */
const AT_BEHIND = /^(pe|par|mein|bhav|bhaav|rate)$/;
const OPTION_HERE = /(?:^| )(?:lots?|calls?|puts?|options?|strike|nifty|sensex|bankex)(?= |$)/;
const NOT_OF_THE_ORDER =
  /^(am|pm|o'?clock|oclock|minutes?|hours?|days?|weeks?|months?|years?|percent|points?|times|st|nd|rd|th|people|seconds?|tickets?|worth|kilos?|grams?)$/;
const MONTH = /^(january|february|march|april|may|june|july|august|september|october|november|december)$/;

const TRIGGER_BEFORE =
  /(?:^| )(?:trigger|stop loss|stoploss|sl|s l)(?: (?:price|is|at|of|to|as|should|will|be|rupees|rs))*$/;
const TARGET_BEFORE = /(?:^| )(?:target|targets|profit)(?: (?:price|is|at|of|to|as|rupees|rs))*$/;
const AMOUNT_BEFORE =
  /(?:^| )(?:invest(?:ing)?|worth|(?:for|of) (?:about|around|some)|for a total of|amount)(?: (?:is|of|a|about|around|rupees|rs))*$/;
const PRICE_BEFORE =
  /(?:^| )(?:at|limit|price|rate|for|rupees|rs|around|near|upto|up to|level|between|below|above)(?: (?:is|at|of|to|as|be|should be|rupees|rs|a|limit|price|only|now|about|around))*$/;
const STRIKE_BEFORE = /(?:^| )(?:strike(?: price)?|(?:call|put|ce|pe)(?: option)? of)(?: is)?$/;
const QUANTITY_BEFORE = /(?:^| )(?:quantity|qty)(?: (?:is|of|to|will|be|should|from))*$/;
const NEGATED_BEFORE = /(?:^| )(?:not|instead of|rather than|change (?:it )?from|change from)$/;

/** null for a number that is not part of an order: a time, a date, a percentage, an amount to invest, a target. */
export function roleOf(segment: SpokenSegment, clause: Span, { from, to }: Span, rupees: boolean): Role | null {
  const after = (at: number): string => segment.words[at]?.text ?? "";
  const next = after(to);
  const lead = segment.part({ from: from - 5, to: from });
  if (NOT_OF_THE_ORDER.test(next) || MONTH.test(next)) return null;
  // "december twenty five", and not "december twenty five thousand call"
  if (MONTH.test(after(from - 1)) && !/ (?:hundred|thousand)$/.test(` ${segment.part({ from, to })}`)) return null;
  if (/^(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)$/.test(next)) return null;
  if (rupees && (next === "worth" || /(?:^| )invest(?:ing)?(?= |$)/.test(segment.part({ from: 0, to: from }))))
    return null;
  if (NEGATED_BEFORE.test(lead)) return "negated";
  if (SHARES.test(next) || (next === "more" && SHARES.test(after(to + 1)))) return "quantity";
  if (LOTS.test(next)) return "lots";
  if (TRIGGER_BEFORE.test(lead)) return "trigger";
  if (TARGET_BEFORE.test(lead) || (AMOUNT_BEFORE.test(lead) && !STRIKE_NEXT.test(next))) return null;
  // "24500 pe" is a put where the clause speaks of options, and "at" in Hindi where it does not.
  const isPut = next === "pe" && OPTION_HERE.test(segment.part(clause));
  if (isPut || (STRIKE_NEXT.test(next) && next !== "pe") || (OF.test(next) && STRIKE_NEXT.test(after(to + 1))))
    return "strike";
  if (QUANTITY_BEFORE.test(lead)) return "quantity";
  if (STRIKE_BEFORE.test(lead)) return "strike";
  if (rupees || PRICE_BEFORE.test(lead) || AT_BEHIND.test(next)) return "price";
  return "free";
}
