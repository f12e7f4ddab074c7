/** What dealers and clients say that an auditor asks about, as patterns over the lower-case words of a segment. */

export const RECORDED_LINE =
  /\b(?:recorded (?:line|call)|(?:line|call|conversation|calls|lines) (?:is|are|will be|may be|being|is being|are being|gets?) (?:being )?(?:recorded|monitored)|recording this (?:call|line)|on record|(?:recorded|monitored) for (?:quality|training|compliance|regulatory))\b/;

export const GUARANTEE =
  /\b(?:guarantee(?:d|s)?|assured (?:returns?|profits?)|sure ?shot|risk ?free|no risk|cannot lose|can not lose|cant lose|will (?:definitely|surely|certainly) (?:go up|rise|double|give)|definitely (?:go up|double)|hundred percent (?:sure|profit|return)|double your money|multibagger|fixed returns?)\b/;
export const PRESSURE =
  /\b(?:last chance|do it now|you must|you have to (?:buy|sell|do)|hurry|before it is too late|trust me|do not miss|dont miss|now or never|you will regret|just (?:buy|sell|do) it)\b/;
export const ADVICE =
  /\b(?:you (?:should|can|could|may) (?:book|buy|sell|hold|exit|invest|add|average|accumulate|go for|enter|switch)|i (?:would )?(?:suggest|recommend|advise)|my (?:advice|suggestion|recommendation)|our (?:analysts?|research|recommendation)|(?:strong )?buy (?:call|recommendation|rating)|target (?:price|of|is)|good (?:time|stock|opportunity|share)|better to (?:buy|sell|hold|exit|book)|book (?:your )?profits?)\b/;

export const DISCRETION =
  /\b(?:(?:as|whatever|whichever|whenever|however)(?: (?:price|rate|quantity|time|stock|share))? you (?:think|feel|like|want|wish|decide|prefer|see|find|get)|you decide|up to you|your (?:discretion|choice|judg(?:e)?ment)|at your (?:own )?(?:discretion|choice|convenience)|you (?:choose|handle it|manage it|see to it)|use your (?:judg(?:e)?ment|discretion)|any (?:price|quantity|stock|share|good stock) (?:is|will|you)|at any price|best (?:time|stock) you)\b/;

/** A dealer asks for instructions: the order that follows is the client's. */
export const ASKS_FOR_INSTRUCTION =
  /\b(?:how (?:can|may) i help|what (?:would|do) you (?:like|want)|tell me (?:sir|madam|maam|what)|what can i do|your order)\b/;
