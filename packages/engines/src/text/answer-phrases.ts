/** How people agree, refuse and put off, as patterns over the words of an answer; `#` stands for details of an order. */
import { anyOf } from "./patterns.js";

/** Hold a word that would void a yes, and agree. */
export const AGREES_WITH_A_NO = anyOf(
  "no problems?|no issues?|not an? (?:problem|issue)|why not|no no yes|no (?:that|it|its|thats) (?:is )?(?:fine|okay|ok|correct|right)|" +
    "(?:that|this|it|thats|its)? ?(?:is )?(?:exactly )?what i (?:said|want|wanted|meant|told you)|as i said|whatever you said",
);
/** Hold a word that would void a yes, and mean no harm. */
export const HARMLESS = anyOf(
  "no worries|no doubt|(?:no )?(?:that|thats) (?:is )?(?:all|it)|(?:no )?nothing else|(?:no )?no more|(?:do not|dont) worry|not to worry|" +
    "no need to (?:call|ask|confirm|worry)(?: again| me)?|let me know(?: (?:when|once|after) [a-z ]*)?|if possible|if you can|as soon as possible|" +
    "at once|once (?:more|again)|(?:that|this) only|how nice",
);

/** Puts the decision off. */
export const DEFERS = anyOf(
  "later|afterwards|tomorrow|tonight|next (?:week|month|time)|some other time|another (?:day|time)|not (?:now|today|yet|at the moment)|no (?:now|today)|now no|today no|" +
    "hold (?:on|it|that)|hang on|(?:one|just a|a|two|five|ten|few|some) (?:minutes?|moments?|seconds?|sec|while|time|days?|hours?)|wait|" +
    "let (?:me|us) (?:first |just )?(?:think|check|see|ask|confirm|talk|speak|discuss|decide|look|consult|read|call|verify|consider|wait|finish|come)|" +
    "(?:i|we) (?:will|would|shall|need to|have to|want to|must) (?:first |just )?(?:see|think|check|tell|call|confirm|let you know|get back|decide|ask|inform|look|read|consider|speak|talk|discuss|come|wait|consult|verify)|" +
    "(?:ill|well) (?:see|think|check|tell|call|confirm|let you know|get back|decide|ask|inform|look|read|come)|call (?:me|you) back|(?:come|get) back|" +
    "think(?:ing)?(?: about| over)?|not (?:sure|decided)|before you|cannot decide|cant decide|in the (?:morning|afternoon|evening)|" +
    "soch\\w*|dekh\\w*|bata\\w*|thodi der|phir kabhi|kal",
);

/** Makes it depend on something. */
export const CONDITION = anyOf(
  "if|unless|provided|as long as|so long as|in case|as soon as|only (?:after|when|once)|after (?:i|my|the|he|she|we|it|results?|you)|" +
    "once (?:i|my|it|the|he|she|we|they|payment|funds|you)|when(?:ever)? (?:it|i|my|the|price|market|we|nifty|he|she)|(?:till|until) (?:it|i|my|the|he|she|we|price|then)|" +
    "subject to|depend\\w*|otherwise|jab|tab hi|(?:aaye|aaya|aayega|ho|hoga|gire|jaaye) (?:to|toh|tab)",
);
export const RESERVATION = anyOf("but|however|though|although|except");

/** Refuses in so many words, or takes back. */
export const REFUSES = anyOf(
  "no|nope|nah|not|dont|doesnt|didnt|never|neither|nor|cannot|cant|wont|isnt|arent|shouldnt|wouldnt|cancel|cancelling|stop|skip|leave|drop|scrap|forget|avoid|" +
    "refuse|decline|reject|pass on|against|nothing|none|withdraw|too (?:much|high|risky|costly|expensive|low|late|far)|enough|let it (?:be|go)|" +
    "keep (?:it|them|that)|keeping (?:it|them)|chhod\\w*|chod\\w*|rehne|jane do|jaane do|band karo|mana|nako|do nothing|changed my mind",
);
/** A refusal that says what it refuses: it also takes back what was agreed to some time ago. */
export const REFUSES_THE_ORDER = anyOf(
  "(?:do not|dont|never|not) (?:want|place|punch|put|do|buy|sell|execute|send|take|go ahead|proceed|book)|(?:cancel|stop|skip|leave|drop|scrap|forget|withdraw) (?:it|that|this|them|the|my|both|all)|" +
    "let (?:it|that) (?:be|go)|(?:leave|let) (?:us )?(?:it|not)|changed my mind|no (?:stop|wait|cancel)|rehne (?:do|dijiye|dena)|chhod\\w*|chod\\w*|(?:i am|im) keeping",
);

/** What dealers say and clients hardly do: where nobody knows who speaks, a yes beside it is the dealer's. */
export const DEALERS = anyOf(
  "(?:i am|im|we are) (?:placing|putting|sending|doing|punching|checking|noting|executing|buying|selling)|(?:i|we) will (?:place|put|punch|execute|cancel)|placing|placed|executed|punched|" +
    "orders? (?:is|are) (?:placed|done|executed)|anything else|how (?:can|may) i help|(?:dealing|trading|broking) (?:desk|room)|recorded line|thank you for calling|for you",
);

/** Asks something instead. */
export const ASKS = anyOf(
  "what|whats|when|where|why|which|who|whose|how|kya|kitn\\w+|kais\\w+|kyun|is (?:it|there|this|that) (?:at|a|any|possible|still|going|good)|are you|can you (?:tell|check|see|hear|explain)|" +
    "do you|did you|will (?:it|i)|should i|have you|has it",
);

/** Orders it to be done. */
export const STRONG_YES = anyOf(
  "go ahead|go for it|do it|do that|do so|please do|yes please|proceed|carry on|place|placing|execute|punch|book it|send it|put it|buy(?: it| them)?|sell(?: it| them)?|take it|" +
    "kar do|kar dijiye|kar dena|kar lo|kariye|karo|laga do|daal do|le lo|le lijiye|confirm|confirmed|confirm hai|by all means|done deal|square off",
);
export const WEAK_YES = anyOf(
  "yes|ya|yah|yeah|yep|yup|ok|okay|right|correct|sure|fine|perfect|exactly|absolutely|done|definitely|certainly|agreed|agree|alright|all right|of course|affirmative|" +
    "ji|ha|theek|thik|sahi|bilkul|pakka|chalega|deal|true",
);

/** An answer with one of these is about something else, whatever else it holds. */
export const ELSEWHERE = anyOf(
  "tell|speaking|listening|noted|note|hear|heard|hearing|checking|hello|see|seen|saw|understood|understand|joking|voice|breaking|calling|busy|doubt|worried|really|" +
    "risk|risky|loss|losses|margin|ledger|balance|funds?|money|brokerage|charges?|wife says|interested|already|ha ha|haha|who told|last week|yesterday|profit|remind|mail me|samajh\\w*|acha|accha|achha",
);

/** Says nothing about an order. */
export const FILLER = new Set(
  `# sir madam maam mister mr mrs please thank thanks you your very much so the a an it its that thats this is are was be at on in for of to and then now also
   all both them these those order orders me my mine i we us want wanted said same as per with by from too well hai hain na bhai yaar just quickly quick
   fast immediately away soon right send sms message number price rate market limit quantity share shares lot lots rupees each only good great nice day morning
   afternoon evening bye kindly surely totally here there account code client wife husband son daughter brother sister mother father name can may one two three
   arre toh to ka ke ki ko se mein me do go ahead will when done hmm um uh oh today today buy sell put futures future call option put
   jaldi abhi lena de dena hi ho tha boss dear friend another more again am will`
    .split(/\s+/)
    .filter(Boolean),
);
