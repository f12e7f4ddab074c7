/** The phrases of orders, as patterns over the lower-case words of a segment with one space between them. */
import { anyOf } from "./patterns.js";

/** Verbs that instruct wherever they stand; the last one makes clear that a position is closed, which side that is nobody says. */
export const BUYS = anyOf(
  "buy|buying|buys|buy back|buying back|purchase|purchasing|accumulate|accumulating|put me in for|pick up|go long(?: on| in)?|le lo|lelo|le lijiye|le lijiyega|le lena|" +
    "le lein|le le|le lu|le lun|le loon|(?:lena|lene|leni|kharidne|kharidni) (?:hai|hain|hein)|utha lo|uthao|dila do|buy karo|buy kar do",
);
export const SELLS = anyOf(
  "sell|selling|sells|offload|offloading|dump|dumping|unload|unloading|nikal do|nikaal do|nikalo|nikaal|nikal dijiye|(?:bechne|bechni) (?:hai|hain|hein)|go short(?: on| in)?",
);
export const CLOSES = anyOf(
  "square off|squaring off|squareoff|square up|square it off|exit|exiting|liquidate|liquidating|get rid of|get me out of|get out of|close|closing|close out",
);
/** Verbs that have many other meanings: an order only with a quantity and a share. */
export const MAY_BUY = anyOf(
  "load up(?: on)?|stock up(?: on)?|cover|covering|get me|get us|get|take|taking|pick|add|adding|grab|invest|investing|book me|give me|(?:i|we) want(?! to)|i will take|(?:i|we) need(?! to)",
);
export const MAY_SELL = anyOf(
  "clear(?: off| out)?|short|shorting|book|booking|let go of|dispose of|disposing of|part with|cash out",
);
/** Side verbs as recognisers write them before a quantity. */
export const MISHEARD_VERB = /^(by|cell)$/;
export const BOUGHT = /^(bought|purchased|kharida|khareeda|kharide)$/;
export const SOLD = /^(sold|becha|beche)$/;

/** Someone asks for a price or describes the market: numbers after it are not an order. */
export const QUOTE = anyOf(
  "(?:what|whats|what is|tell me|check|give me) (?:is )?(?:the |its |current )*(?:price|rate|quote|level|ltp|bid|offer)(?: of)?|how much is|where is|how is|how are|" +
    "(?:is |are |now )?(?:trading|quoting|quoted) (?:at|around|near)|trading now|(?:is|are|was|were|has come to|have come to) (?:now |currently |at present )?at|" +
    "(?:bid|offer|support|resistance|target|high|low) (?:is|at|of|was)|(?:has|have) (?:come|gone|fallen|risen) (?:to|down to|up to)|" +
    "last traded|ltp|closed at|opened at|opened|day high|day low|high of|low of|dividend|bonus|in (?:your|my) (?:demat|account|portfolio)|you have|holdings? (?:is|are)",
);

/** The dealer reports an execution; a number in it is not a limit. */
export const REPORT = anyOf(
  "orders? (?:is |are |has been |have been |was |were |got |now )?(?:placed|executed|done|filled|punched|completed|confirmed|rejected)|" +
    "(?:was |were |got |is |are |has been |have been )?(?:executed|filled|traded|rejected)|(?:placed|punched) (?:the |your |both )*orders?|placing (?:the |your |both |this )*orders?|" +
    "(?:it is|its|all|both) (?:done|placed|executed)|(?:are|is) placed|done (?:sir|madam|maam)",
);

/** An order is withdrawn or corrected. */
export const CANCEL = anyOf("cancel|cancelling|canceling|withdraw|delete|scrap|drop|remove|undo|reverse|abort");
export const CANCEL_ALL = /(?<![a-z])(?:both|all|everything|all of them)(?![a-z])/;
export const CANCEL_ALONE =
  /^(?:cancel|cancelling|canceling|scrap|withdraw|undo|abort)(?: (?:please|sir|madam|order|the order|my order|now|right now|right away|immediately|kar do|kar dijiye|karo|kardo|ok|okay|thank you|thanks|then|bhai))*$/;
export const CANCEL_LAST = anyOf(
  "(?:cancel|withdraw|delete|scrap|drop|remove|undo|reverse|kill|void|abort|forget|leave|skip|hold|stop) (?:(?:the|my|that|this|those|these|both(?: the)?|all(?: the)?) (?:orders?|trades?|transactions?|deals?)|it|that one|this one|that|this|them|both|everything|all)|forget about it|" +
    "(?:do not|dont) (?:place|do|execute|put|punch|send|go ahead|buy|sell|take)(?: it| that| this| them| the order| that order| any order| anything)?(?= |$)|" +
    "(?:do not|dont) want (?:it|that|this|them)|let (?:it|that) (?:be|go)|let us not|lets not|rehne (?:do|dijiye|dena)|chhodo|chodo|chhod do|chod do|jane do|jaane do|" +
    "call (?:it|that|the order|my order) off|call off(?: the order| my order| it)?|take (?:it|that) back|hata (?:do|dijiye|de)|(?:i have )?changed my mind|keeping them|never mind",
);
/** Words that end an order; the others of `CANCEL_LAST` refuse it. */
export const ENDS = anyOf(
  "cancel|cancelling|canceling|withdraw|delete|scrap|drop|remove|undo|reverse|kill|void|abort|hata|forget|call (?:it|that|the order|my order) off|call off|take (?:it|that) back",
);
/** "cancel that i wanted power grid": what is spoken of is meant, whatever share stands behind it. */
export const ENDS_WHAT_WAS_SAID =
  /(?:^| )(?:it|that|this|them|both|everything|all)(?= (?:please|sir|madam|now|i|we|because|as|since|buy|sell|make|give|instead)(?= |$)|$)/;
/** What ends is not of this call. */
export const EARLIER = anyOf("old|pending|earlier|previous|existing|open|yesterday|yesterdays|morning|last");
export const AMEND = anyOf(
  "make(?: (?:it|that|this|them))?(?! happen)|no no|no wait|no only|i said|i meant|i mean|actually|sorry|change|correction|instead of|instead|rather|" +
    "(?:the )?(?:price|rate|limit|quantity|qty) (?:should|must|has to|will) be|should be|(?:keep|put) (?:it|that|this|them|(?:the |a )?(?:limit|price|quantity))(?: price)?(?: (?:at|of|to))?|then put|" +
    "(?:increase|reduce|raise|lower|decrease|bring down|bring up)(?: (?:the|my|it|that|this))*(?: (?:quantity|price|limit|rate|order))*(?: (?:to|by|up to|down to))?|(?:let us|lets|let me) (?:do|keep|make|put)(?: it)?",
);
/** An amendment for certain: if no field can be read from it, the order as heard so far is not to be trusted. */
export const CERTAIN_AMEND = anyOf(
  "make it(?! happen)|make that(?! happen)|no no|i said|i meant|change (?:it|that|the)|correction|increase|reduce|raise|lower|decrease|should be",
);
/** Before a share: it is not wanted. */
export const LEAVES_OUT = anyOf(
  "(?:leave|leaving|skip|skipping|drop|forget|ignore|except|excluding)(?: (?:the|out|my|about))?",
);
/** What a turn may begin with that denies what was read back: details right behind it correct. */
export const DENIES =
  /^(?:(?:oh|arre|sorry|sir|madam|maam|wait|but|hello) )*(?:no|not|dont)(?: (?:no|not|sir|madam|maam|sorry|bhai|it is|its|that is|thats|it should be|only|at|for|price is|quantity is|the price is|the quantity is|i want|i need|i told you))*(?= )/;
export const DENIES_WITHIN = /^no (?:no )?(?:it is|its|it should be|that is|thats) /;
export const MODIFY_PENDING = anyOf(
  "(?:modify|change|revise) (?:the |my |that )*(?:pending |old |existing |earlier |previous |open )*order",
);

/** A second order for the same symbol. */
export const ANOTHER = anyOf("another|additional|additionally|more|also|one more|again|separate|second");
export const SAME_QUANTITY = anyOf("same (?:quantity|qty|number|amount)|equal (?:quantity|number)|as many");
export const ALL_OF_IT = anyOf("all|entire|whole|everything|poora|pura|saara|sara");

export const MARKET_PRICE = anyOf(
  "(?:at )?(?:the )?(?:current )?market (?:price|rate|order)|at (?:the )?(?:current )?market|current market|c m p|cmp|current price|current rate|market only|best price|market (?:pe|par|mein|bhav)|in market",
);
/** Behind "make it", "change it": a clause of its own. */
export const TO_MARKET = /^(?:to |at |a |the )*market(?: (?:please|sir|madam|only|order|then|okay|ok))*$/;
export const FUTURES = anyOf("futures?|fut");
export const CALL_OPTION = anyOf("calls?|c e|ce");
export const PUT_OPTION = anyOf("puts?|p e");

/** The subject of the last question, so that a bare number can answer it. */
export const ASKS_QUANTITY = anyOf(
  "how many|how much quantity|what quantity|which quantity|how many shares|quantity please|how much do you want|kitne|kitna",
);
export const ASKS_PRICE = anyOf(
  "(?:at )?(?:what|which) (?:price|rate|level|limit)|limit or market|market or limit|price please|any (?:price|limit)",
);
export const ASKS_TO_CONFIRM = anyOf(
  "(?:shall|should) (?:i|we)(?: (?:place|go ahead|do|execute|punch|put|confirm|send|proceed|buy|sell|take))*(?: (?:it|this|that|both|the|order|them))*|is that (?:correct|right|okay|fine)|" +
    "is it (?:correct|right|okay|fine|confirmed)|do you confirm|can i (?:place|proceed|go ahead)|may i (?:place|proceed)|please confirm|confirm|confirmed|place both|le lu|le lein",
);
/** Ask behind the details of an order, and say nothing by themselves. */
export const TAGS = anyOf("correct|right|okay(?: sir| madam| maam)?|ok(?: sir| madam| maam)?|yes or no");
/** The dealer asks about more orders than the last one. */
export const ASKS_ABOUT_ALL = anyOf("both|all(?: three| four| of them| the orders)?|all orders|these orders|them");
export const ANYTHING_ELSE = anyOf("anything else|any other|something else|what else|and kuch|any more");
