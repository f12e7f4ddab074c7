/** Words around a verb that decide whether it instructs, proposes, or only speaks of buying and selling. */
import { anyOf } from "./patterns.js";

/** Before a side verb these words mean that it is not an instruction. */
export const NEGATED =
  /(?:^| )(?:(?:do |did |will |would |could |can )?not|dont|didnt|never|wont|cannot|cant|no need|instead of|against)(?: (?:want|going|like|wish|plan|planning|looking|interested|ready))?(?: (?:in|to))?(?: any| me)?$/;
/** A case that is only thought of, or a request for advice. */
export const HYPOTHETICAL = anyOf(
  "suppose|supposing|assume|assuming|imagine|lets say|let us say|what if|what happens if|how about|thinking of|thinking about|think of|think about|planning to|plan to|" +
    "wondering|would you(?! like| want)|(?:would|will|does|did) it cost(?: me| us)?(?: to)?|minimum(?: [a-z]+)? to|whether|when to|why|good time to|had i|would have|could have|should have|when i|hold or|buy or|sell or|is it (?:good|right|okay|ok|safe|wise|better) to",
);
/** A client who says so asks for advice; a dealer who says so proposes. */
export const SHALL_I = anyOf("(?:shall|should|may|could) (?:i|we)|(?:should|shall) i be");
/** "bech du kya", "le lu": the same in Hindi, in the verb and behind it. */
export const SHALL_I_BEHIND =
  /(?:^| )(?:lu|lun|loon|lein|len|du|dun|doon|dein|karu|karun|karoon|karein)(?= |$)|(?:^| )kya$/;
export const PROPOSES = anyOf(
  "do you want(?: me| us)?(?: to)?|would you like(?: me| us)?(?: to)?|want me to|you want to|you would like to|can i|i can|let me|we can|we could|can we|i am|im",
);
export const ADVISES = anyOf(
  "you (?:should|can|could|may|must|might|have to|need to)|i (?:suggest|recommend|advise|would suggest|would recommend)|(?:suggest|recommend|recommending|recommends|advise|advises)|better(?: to)?|" +
    "good to|best to|analysts?|research|target|tip|(?:our|todays?) (?:call|recommendation|view)|call today",
);
/** Somebody else said so or does so. */
export const HEARSAY = anyOf(
  "(?:told|telling|asked|asking|advised|advising|urged) (?:me|us|him|her|them)(?: to)?|(?:he|she|they|friend|brother|uncle|boss|neighbour|someone|somebody|everyone|everybody|wife|husband|son|father|mother|sister|daughter|people|tv|channel|news|expert|experts)(?: also| always| still| just| now)? (?:is|are|was|were|said|says|say|told|tell|wants|bought|sold|keeps?|kept|recommends?|recommended|suggested|suggests?)(?: saying)?(?: to)?|" +
    "(?:clients|customers|investors|traders|institutions|funds|fiis|diis|operators|promoters|insiders|big players|f i i|d i i) (?:are|is|were|have|has)(?: been| all)?|(?:if|when) you|" +
    "saying(?: to)?|client (?:wants|is|said|says)|on (?:tv|television|whatsapp|telegram)|heard(?: that)?|bola tha|bol raha|bol rahe",
);
/** An order of some other time. */
export const EARLIER_ORDER = anyOf(
  "did you|did i|have you|have i|i had|you had|we had|already|last (?:week|month|year|time)|yesterday|days? (?:ago|back)|(?:told|asked) you to",
);
/** "your order to buy …", "my sell order of …" speak of an order and do not give one. */
export const ORDER_OF =
  /(?:^| )(?:your|my|that|this|the|earlier|previous|pending|old|existing|his|her)(?: [a-z]+)?(?: order)(?: to| of| for)?$/;
export const OWNER = /(?:^| )(?:your|my|that|earlier|previous|pending|old|existing|his|her|the pending|the old)$/;

/** What follows makes the statement a question about what would be. */
export const WHAT_WOULD_BE = anyOf(
  "how much (?:profit|loss|tax|money|margin|will|would|do)|what (?:will|would) (?:happen|be)|what (?:do|did) you (?:say|think|feel|suggest)|(?:is it|will it be) (?:good|okay|wise|risky|a good)|should i also|should i",
);
