/** How people agree, refuse and put off, as patterns over the words of an answer; `#` stands for details of an order. */
import { anyOf } from "./patterns.js";

/** Hold a word that would void a yes, and agree. */
export const AGREES_WITH_A_NO = anyOf(
  "no no (?:that|it|its|thats) (?:is )?(?:fine|okay|ok|correct|right)|no problems?|no issues?|not an? (?:problem|issue)|no (?:other )?(?:changes?|corrections?|objections?|questions?)|nothing (?:to change|wrong)|why not|no no yes|" +
    "no (?:that|it|its|thats) (?:is )?(?:fine|okay|ok|correct|right)|(?:that|this|it|thats|its)? ?(?:is )?(?:exactly )?what i (?:said|want|wanted|meant|told you|asked for)|" +
    "(?:that|thats)? ?(?:is )?why i (?:called|am calling|rang|phoned)|as i said|whatever you said|(?:could not|couldnt|cannot|cant) be better|(?:do not|dont) (?:ask|even ask)",
);
/** Hold a word that would void a yes, and mean no harm. */
export const HARMLESS = anyOf(
  "no worries|no doubt|(?:no )?(?:that|thats) (?:is )?(?:all|it)|(?:no )?nothing else|(?:no )?no more|(?:do not|dont) worry|not to worry|" +
    "no need to (?:call|ask|confirm|worry)(?: again| me)?|let me know(?: (?:when|once|after) [a-z ]*)?|if possible|if you can|as soon as possible|" +
    "at once|once (?:more|again)|(?:that|this) only|how nice|right (?:now|away|here)|straight away|stop loss|without (?:fail|delay|any delay)|no need to (?:repeat|wait)|what else",
);
/** Say nothing about an order, though their words may. */
export const COURTESIES = anyOf(
  "good (?:morning|afternoon|evening|day|night)|(?:thank you|thanks)(?: (?:so|very) much| a lot)?|(?:have a )?(?:nice|good|great) (?:day|evening|one|time)|take care|bye(?: bye)?|call options?|put options?",
);
/** Hold a word that elsewhere agrees. */
export const NO_YES = anyOf(
  "(?:i am|im|we are|am) (?:fine|good|okay|ok|all right|alright)(?! with)|(?:are you|am i|is he|is she|be|make|quite|so) sure|sure (?:about|of|whether|if)|correct (?:it|that|this|the|my|them)|" +
    "(?:have|has|had|not|well|be|being|is it|was it|what is|what was) done|right (?:time|moment|price|side|now)|(?:deal|dealing) with",
);

/** Puts the decision off. */
export const DEFERS = anyOf(
  "later|afterwards|after|first|tomorrow|(?:on |next |by )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|(?:call|ring|phone|contact|visit|meet) (?:me|us)|tonight|next (?:week|month|time)|some other time|another (?:day|time)|not (?:now|today|yet|at the moment)|no (?:now|today)|now no|today no|" +
    "hold|hang on|maybe|perhaps|possibly|probably|might|shayad|" +
    // Somebody else decides.
    "(?:he|she|they|wife|husband|son|daughter|father|mother|brother|sister|partner|accountant|manager|family) (?:will|would|has to|have to|should|can|could|must|may|decides?|confirms?|says?|knows?)|" +
    "(?:confirm|check|verify|decide|settle|clear) (?:it |this |that )?with|(?:one|just a|a|two|five|ten|few|some) (?:minutes?|moments?|seconds?|sec|while|time|days?|hours?)|wait|" +
    "let (?:me|us|him|her|them|it|that) (?!know|be(?: |$)|go(?: |$)|do it|do that|buy|sell|take it|place|proceed|book)[a-z]+|in (?:a|the) (?:meeting|middle)|(?:this|by|till) (?:morning|afternoon|evening)|" +
    "(?:i|we) (?:will|would|shall|need to|have to|want to|must) (?:first |just )?(?:see|think|check|tell|call|confirm|let you know|get back|decide|ask|inform|look|read|consider|speak|talk|discuss|come|wait|consult|verify)|" +
    "(?:ill|well) (?:see|think|check|tell|call|confirm|let you know|get back|decide|ask|inform|look|read|come)|call (?:me|you) back|(?:come|get) back|" +
    "think(?:ing)?(?: about| over)?|not (?:sure|decided)|before you|cannot decide|cant decide|in the (?:morning|afternoon|evening)|" +
    "soch\\w*|dekh\\w*|bata\\w*|thodi der|phir kabhi|kal",
);

/** Takes a part of what it says back. */
export const RESERVATION = anyOf("but|however|though|although|except");

/** Agrees to a part, or repeats that it was one: "yes half". */
export const PARTLY = anyOf("half|partly|(?:some|part|most|rest) of");

/** Refuses in so many words, or takes back. */
export const REFUSES = anyOf(
  "no|nope|nah|not|dont|doesnt|didnt|never|neither|nor|cannot|cant|wont|isnt|arent|shouldnt|wouldnt|cancel|cancelling|stop|skip|leave|drop|scrap|forget|avoid|" +
    "refuse|decline|reject|wrong|incorrect|mistake|galat|pass on|against|nothing|none|withdraw|too (?:much|high|risky|costly|expensive|low|late|far)|enough|let it (?:be|go)|" +
    "(?:will|would|shall|ill|id)(?: rather)? (?:pass|skip|hold|keep|continue)|pass(?:ing)? (?:this|it|that)|costly|expensive|pricey|mehenga|mehnga|mahanga|happy with what|" +
    "keep (?:it|them|that)|keeping (?:it|them)|chhod\\w*|chod\\w*|rehne|jane do|jaane do|band karo|mana|nako|do nothing|changed my mind",
);
/** A refusal that says what it refuses: it also takes back what was agreed to some time ago. */
export const REFUSES_THE_ORDER = anyOf(
  "(?:do not|dont|never|not) (?:want|need|place|punch|put|do|buy|sell|execute|send|take|go ahead|proceed|book|bother|confirm)|" +
    "(?:cancel|stop|skip|leave|drop|scrap|forget|withdraw|remove|undo|reverse|kill|void|abort|hold|delete|discard) (?:it|that|this|them|the|my|both|all)|cancel|abort|undo|skip|stop stop|" +
    "(?:did not|didnt|never) (?:ask|asked|tell|told|say|said|authori[sz]ed?|order|ordered|agree|agreed|approve|approved|want|wanted)|" +
    "let (?:it|that) (?:be|go)|(?:leave|let) (?:us )?(?:it|not)|changed my mind|never mind|no (?:stop|wait|cancel)|take (?:it|that) back|call (?:it|that|the order|my order) off|call off|" +
    "(?:put|keep) (?:it|that|them|this|the order|my order) (?:on hold|pending|aside)|(?:it|that|this|there) (?:was|is) (?:a |my )?mistake|(?:made|by) (?:a )?mistake|" +
    "wrong (?:share|stock|scrip|order|company|one|symbol)|not (?:this|that) one|not (?:needed|required)|no longer|no need(?! to)|i (?:wanted|meant) (?:another|the other|a different|some other)|" +
    "(?:no|dont) (?:karo|karna|karni|lena|bechna|chahiye)|rehne (?:do|dijiye|dena)|chhod\\w*|chod\\w*|hata (?:do|dijiye|de|lo)|(?:i am|im) keeping",
);

/** What dealers say and clients hardly do: where nobody knows who speaks, a yes beside it is the dealer's. */
export const DEALERS = anyOf(
  "(?:i am|im|we are) (?:placing|putting|sending|doing|punching|checking|noting|executing|buying|selling)|(?:i|we) will (?:place|put|punch|execute|cancel)|placing|placed|executed|punched|" +
    "orders? (?:is|are) (?:placed|done|executed)|anything else|how (?:can|may) i help|(?:dealing|trading|broking) (?:desk|room)|recorded line|thank you for calling|for you",
);

/** Asks something instead. */
export const ASKS = anyOf(
  "what|whats|when|where|why|which|who|whose|how|kya|kitn\\w+|kais\\w+|kyun|(?<!that )is (?:it|there|this|that|he|she)|are you|(?:can|could|would|will) (?:you|we|i|it|he|she|they)(?! go ahead)|" +
    "do you|did you|should i|have you|has it",
);

/** Orders it to be done. */
export const STRONG_YES = anyOf(
  "go ahead|go for it|go on|do it|do that|do so|do the needful|(?:let us|lets) (?:do|buy|sell|take|place|book|go)(?: it| that| for it| ahead)?|please do|yes please|proceed|carry on|" +
    "place|placing|execute|punch|book it|send it|put (?:it|that|them|the order|this)(?: through| in)?|get (?:it|them)(?: done)?|make it happen|(?:i )?(?:authorise|authorize|authorised|authorized)(?: it| you)?|go(?= go|$)|finish it|fire it|buy(?: it| them)?|sell(?: it| them)?|take it|you (?:can|may|have my) (?:go ahead|place|do|put|proceed|buy|sell|execute|permission|approval)|" +
    "kar do|kar de|kar dijiye|kar dena|kar lo|kariye|karo|kardo|karva do|laga do|laga de|laga dijiye|lagao|daal do|daal de|dal do|daalo|le lo|le lena|le lijiye|sell do|sell de|sell dijiye|buy lo|nikal do|" +
    "confirm|confirmed|confirming|confirm hai|i approve|approved|by all means|done deal|square off",
);
export const WEAK_YES = anyOf(
  "yes|ya|yah|yea|yeah|yep|yup|uh huh|mm hmm|mhm|aha|ok|okay|right|correct|sure|fine|perfect|exactly|absolutely|done|definitely|certainly|agreed|agree|alright|all right|of course|affirmative|" +
    "sounds (?:good|fine|right|okay|great|perfect)|good to go|(?:all|very|good) good|works(?: for me)?|suits me|great|excellent|cool|looks (?:good|fine|right|okay|great)|good with (?:that|it|this)|wonderful|super|superb|roger|(?:as|like) (?:we )?(?:discussed|agreed|before)|(?:i )?would like (?:that|it)|you (?:got|have) it|spot on|indeed|very well|that will do|thatll do|" +
    "ji|ha|theek|thik|sahi|bilkul|pakka|chalega|zaroor|zarur|barabar|ekdum|deal|true",
);

/** An answer with one of these is about something else, whatever else it holds. */
export const ELSEWHERE = anyOf(
  "(?:something|anything|someone|anyone) else|instead|(?:another|different|other) (?:one|share|stock|scrip|company|script)|(?:is|thats) a lot|tell|speaking|listening|noted|note|hear|heard|hearing|checking|hello|see|seen|saw|understood|understand|joking|voice|breaking|bolo|boliye|pata|malum|maloom|information|info|updates?|details|report|calling|busy|doubt|worried|really|" +
    "risk|risky|loss|losses|margin|ledger|balance|funds?|money|blocked|locked|driving|travelling|traveling|meeting|hospital|office|wrong number|brokerage|charges?|wife says|interested|already|ha ha|haha|who told|last week|yesterday|profit|remind|mail me|samajh\\w*|acha|accha|achha",
);

/** Says nothing about an order. */
export const FILLER = new Set(
  `# sir madam maam mister mr mrs please thank thanks you your very much so the a an it its that thats this is are was be at on in for of to and then now also
   all both them these those order orders me my mine i we us want wanted said same as per with by from too well hai hain na bhai yaar just quickly quick
   fast immediately away soon right send sms message number price rate market limit quantity share shares lot lots rupees each only good great nice
   kindly surely totally perfectly ah im valid day wifes husbands sons daughters fathers mothers brothers sisters here there account code client wife husband son daughter brother sister mother father name can may one two three
   arre toh to ka ke ki ko se mein me do go ahead will done hmm um uh oh today buy sell futures future my side from end delivery intraday
   jaldi abhi lena de dena dijiye hi ho tha boss dear friend another more again am will`
    .split(/\s+/)
    .filter(Boolean),
);
