/** What an order, or the answer to one, waits for. */
import { anyOf } from "./patterns.js";

/** "let me know when it is done" waits for nothing. */
const NOTICE =
  /(?:^| )(?:let me know|(?:tell|inform|message|text|call|mail|update|remind) me|send me (?:a |the )?(?:message|sms|mail|confirmation)|confirm(?: to)? me)(?: (?:when|once|after|if|as soon as)(?: [a-z]+)*)?(?= |$)/g;

/** Something has to happen first. */
const CONDITION = anyOf(
  "(?<!(?:check|see|know|tell me|ask) )if(?! (?:possible|you can|you like|you want|you say so|you think so|any|available|need be|required))|unless|provided|assuming|suppose|supposing|as long as|so long as|in case|in the event|on (?:the )?condition|given that|" +
    "as soon as(?! possible)|the (?:moment|minute|day) (?:it|the|that|he|she|my|i|we|they|nifty|price|market)|(?:were|should) (?:it|they|the|nifty|price|market) (?:to [a-z]+|go|fall|rise|come|break|drop|cross|touch)|" +
    "only (?:after|when|once|on|if)|(?<!at )once (?!more|again)[a-z]+|when(?:ever)?(?! (?:will|is|do|does|can|did|was|would|shall|should|done|possible|convenient|free|you))(?= [a-z])|" +
    "(?<!(?:valid|good|open) )(?:till|until) (?:i|it|my|the|he|she|we|they|then|price|you)|(?:not|dont|no) before|wait (?:for|till|until)|subject to|depend\\w*|otherwise|" +
    "jab|tab hi|(?:aaye|aaya|aayega|aa jaye|ho|hoga|gire|jaaye|jaye) (?:to|toh|tab)",
);
/** Something else comes first. */
const LATER = anyOf(
  "(?:day after )?tomorrow|later|afterwards|after (?!market)[a-z]+|in the (?:morning|evening|afternoon)|some other (?:day|time)|" +
    "but first|(?:but )?(?:check|see|ask|tell|confirm)(?: [a-z]+){0,3} first|but (?:check|ask|wait)",
);
const ANOTHER_DAY = anyOf(
  "day after|(?:on |next |coming )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|next (?:week|month|year)",
);
const OF_A_CONTRACT =
  /(?:^| )(?:calls?|puts?|options?|futures?|lots?|expiry|series|contracts?|nifty|sensex|weekly|ce|pe)(?= |$)/;

/** Whether the words around an order make it wait. */
export function isConditional(words: string): boolean {
  return CONDITION.test(words.replaceAll(NOTICE, " "));
}

/** Whether the words right beside an order put it off; days and weeks are expiries where contracts are spoken of. */
export function isForLater(beside: string, clause: string): boolean {
  const said = beside.replaceAll(NOTICE, " ");
  return LATER.test(said) || (ANOTHER_DAY.test(said) && !OF_A_CONTRACT.test(clause));
}
