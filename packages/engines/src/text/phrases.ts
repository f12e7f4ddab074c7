/** The phrases of a dealing call, as patterns over the lower-case words of a segment with one space between them. */

function words(alternatives: string): RegExp {
  return new RegExp(`(?<![a-z0-9])(?:${alternatives})(?![a-z0-9])`);
}

/** Side verbs. "by" and "cell" are how recognisers hear "buy" and "sell" before a quantity. */
export const BUY_VERB = /^(buy|buying|buys|purchase|purchasing)$/;
export const SELL_VERB = /^(sell|selling|sells|offload|offloading)$/;
export const BOUGHT = /^(bought|purchased)$/;
export const SOLD = /^sold$/;

/** Someone asks for a price or describes the market: numbers after it are not an order. */
export const QUOTE = words(
  "(?:what|whats|what is|tell me|check|give me) (?:is )?(?:the |its |current )*(?:price|rate|quote|level|ltp)(?: of)?|how much is|where is|" +
    "(?:is |are |now )?(?:trading|quoting|quoted) (?:at|around|near)|trading now|(?:is|are|was|were) (?:now |currently |at present )?at|" +
    "last traded|ltp|closed at|opened at|opened|day high|day low|high of|low of",
);

/** The dealer reports an execution; a number in it is not a limit. */
export const REPORT = words(
  "orders? (?:is |are |has been |have been |was |got |now )?(?:placed|executed|done|filled|punched|completed|confirmed)|" +
    "(?:executed|filled|traded)|(?:placed|punched) (?:the |your |both )*orders?|placing (?:the |your |both |this )*orders?|" +
    "(?:it is|its|all|both) (?:done|placed|executed)|(?:are|is) placed|done (?:sir|madam|maam)",
);

/** An order is withdrawn or corrected. */
export const CANCEL = words("cancel|cancelling|canceling|withdraw|delete");
export const CANCEL_LAST = words(
  "cancel (?:it|that|this|that one|the order|my order|that order|this order)|forget (?:it|that|about it)|drop (?:it|that)|" +
    "(?:do not|dont) (?:place|do|execute|put) (?:it|that|this|the order|any order)|leave it",
);
export const AMEND = words(
  "make it|make that|make this|no no|no wait|i said|i meant|i mean|actually|sorry|change|correction|instead of|rather",
);
/** An amendment for certain: if no field can be read from it, the order as heard so far is not to be trusted. */
export const CERTAIN_AMEND = words("make it|make that|no no|i said|i meant|change (?:it|that|the)|correction");
export const MODIFY_PENDING = words(
  "(?:modify|change|revise) (?:the |my |that )*(?:pending |old |existing |earlier |previous |open )*order",
);

/** Before a side verb these words mean that it is not an instruction. */
export const NEGATION_BEFORE = /(?:^| )(?:not|dont|never|do not|did not|didnt|no need to|instead of)(?: to)?$/;
export const QUESTION_BEFORE =
  /(?:^| )(?:should i|should we|should i be|if i|what if i|thinking of|thinking about|think of|think about|planning to|why|when to|whether to|good time to|did you|did i|have you|hold or|or)$/;
export const SUGGESTION_BEFORE =
  /(?:^| )(?:you (?:should|can|could|may|must|might)|i (?:suggest|recommend|advise|would suggest|would recommend)(?: you)?(?: to)?|(?:suggest|recommend|recommending|advise)(?: you)?(?: to)?|better(?: to)?|good to|best to|our analysts?(?: says?)?(?: to)?|target)$/;
/** The dealer asks back: an order only if the client agrees or had ordered before. */
export const PROPOSAL_BEFORE =
  /(?:^| )(?:shall (?:i|we)|should i place|do you want(?: me)? to|would you like(?: me)? to|want me to|you want to|you would like to|i can|let me|we can|we could)$/;

/** A second order for the same symbol. */
export const ANOTHER = words("another|additional|additionally|more|also|one more|again|separate|second");

export const MARKET_PRICE = words(
  "(?:at )?(?:the )?(?:current )?market (?:price|rate|order)|at (?:the )?(?:current )?market|c m p|cmp|current price|current rate|market only|best price|market pe",
);
export const FUTURES = words("futures?|fut");
export const CALL_OPTION = words("calls?|c e|ce");
export const PUT_OPTION = words("puts?|p e|pe");

/** The subject of the last question, so that a bare number can answer it. */
export const ASKS_QUANTITY = words(
  "how many|how much quantity|what quantity|which quantity|how many shares|quantity please|how much do you want",
);
export const ASKS_PRICE = words(
  "(?:at )?(?:what|which) (?:price|rate|level|limit)|limit or market|market or limit|price please|any (?:price|limit)",
);
export const ASKS_TO_CONFIRM = words(
  "shall i (?:place|go ahead|do|execute|punch|put|confirm)|should i (?:place|go ahead|punch)|is that (?:correct|right|okay|fine)|is it (?:correct|right|okay|fine|confirmed)|do you confirm|can i place|may i place|please confirm|confirm",
);

/** A client agrees. The strong ones say so wherever they stand; the weak ones only as an answer, first in the segment. */
export const STRONG_YES = words(
  "go ahead|yes please|please do|do it|yes confirm|yes confirmed|i confirm|yes correct|yes right|yes that is (?:correct|right|fine|okay)|thats (?:correct|right)|that is (?:correct|right)|please place|place the order|yes place|yes sir|yes madam|yes buy|yes sell|please proceed|proceed|correct please|confirmed please",
);
export const WEAK_YES =
  /^(?:(?:ok|okay|yes|ya|yeah|yep|right|correct|confirm|confirmed|sure|fine|perfect|exactly|absolutely|haan|ji|ha|done|please|sir|madam) ?)+/;
export const NOT_A_YES = words(
  "i am placing|i have placed|i will|ill|how can i|how may i|tell me|let me|trading at|not sure|think about|call you|what would you|no|not",
);
/** Starts with "no" and means no objection. */
export const HARMLESS_NO = words(
  "no problem|no issue|no worries|no thank|no thanks|no thats all|no that is all|no nothing|no more",
);
