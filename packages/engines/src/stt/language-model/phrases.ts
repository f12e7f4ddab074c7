import { spokenDigit, spokenPrice, spokenQuantity, spokenStrike } from "./numbers.js";
import type { Random } from "../../audio/random.js";

/**
 * What is said between a dealing desk and its clients, as weighted templates: `(a|b|)` is one of the alternatives, which may be
 * empty; `{name}` is filled from `SLOTS`. Written from how such calls go, by someone who knew the six
 * scripts of the sample calls: expect more errors on calls that were not seen.
 */
const TEMPLATES: readonly (readonly [weight: number, template: string])[] = [
  // Openings
  [
    1.2,
    "(good morning|good afternoon|good evening|hello|hi) (dealing desk|trading desk|dealing room|equity desk|) (sir|madam|{name} here|{name} speaking|this is {name}|)",
  ],
  [
    0.8,
    "(good morning|good afternoon|good evening|hello) this is {name} (from|at) (the|) (dealing desk|trading desk|dealing room|broking desk|equity desk|customer desk) (on a recorded line|speaking|)",
  ],
  [
    0.8,
    "(good morning|good afternoon|good evening|hello|hi) (this is|i am) {name} ({surname}|) (from {city}|here|calling|speaking|)",
  ],
  [0.3, "(hello|hi|yes) {name} (how are you|good morning|tell me|this is {name})"],
  [0.4, "(this call is|this line is|we are|you are) (on a recorded line|recorded|being recorded)"],
  // Identity
  [
    1.4,
    "(hello|hi|) (this is|i am|) {name} ({surname}|) (my client code is|client code|client id|client i d|account|my account number is|u c c|my code is|account number) {code}",
  ],
  [1.4, "(my client code is|client code|account|client id|code is|my code is|account number|it is|code) {code}"],
  [
    0.5,
    "(can i have|may i know|please tell me|please confirm|what is) (your|the) (client code|name|account number|client id|full name|code) (please|sir|madam|)",
  ],
  // Orders
  [
    7,
    "(please|i want to|can you|i would like to|||okay|also|and|and also|yes please) {side} {quantity} {shares} {symbol} {terms}",
  ],
  [1, "(please|i want to|can you|okay|yes|) {side} {symbol} {quantity} (shares|quantity|) {terms}"],
  [
    0.7,
    "(please|i want to|) (square off|exit|book profit in|sell all) (my|all my|) {symbol} (position|shares|holding|) (at {price}|at market|today|now|)",
  ],
  [0.8, "(put|keep|place) (a|the|) (buy|sell|stop loss) order (for|in|of) {quantity} {shares} {symbol} {terms}"],
  [
    1.5,
    "(buy|sell|can you buy|please buy|please sell|i want to buy) {lots} (of|) {index} ({strike}|) {contract} (at {price}|at market|)",
  ],
  // Read-back
  [
    6,
    "(so|okay|okay so|so that is|you want to|repeating your order|i repeat|confirming|) {side} {quantity} {shares} {symbol} (at|limit|at a limit of|limit price|) (market|{price}|{price}) {asking}",
  ],
  [1, "{lots} (of|) {index} {strike} {contract} at {price} {asking}"],
  [0.5, "{symbol} {side} {quantity} at {price} {asking}"],
  // Answers
  [
    5,
    "(yes|yes please|yes confirmed|confirmed|correct|that is correct|yes correct|yes go ahead|go ahead|go ahead please|okay go ahead|yes do it|right|yes that is right|yes that is correct|okay|sure|confirm|yes i confirm|no|no wait|not now|please go ahead|confirmed please go ahead|yes sir|yes madam|okay sir|okay madam|done|please do it|place the order|yes place it)",
  ],
  [
    1.5,
    "(order placed|the order is placed|your order is placed|order is executed|both orders are placed|done|it is done|done sir|done madam|i am placing the order|okay i am placing the order|i have placed the order|placing the order now|order executed at {price}|executed at {price}|order is pending|it is executed) (sir|madam|thank you|thank you sir|it is done|okay|)",
  ],
  // Changes
  [
    1.2,
    "(no no|wait|sorry|actually|no|) (make it {quantity} ({shares}|only) (not {quantity}|)|change the price to {price}|not {quantity} {quantity}|i said {quantity}|cancel it|cancel the order|make the price {price}|make it {price}|not {symbol} {symbol})",
  ],
  [
    1,
    "(right and|and|please|can you|sure i will|i will|) (cancel|modify|change) (the order in|my order in|the pending order of|the pending order in|the old order in|) {symbol} (order|and {side} {symbol}|and {side} the {index} {contract}|)",
  ],
  // Prices
  [
    1,
    "(what is the price of|how much is|what is the rate of|tell me the price of|where is|what about|how is) {symbol} (now|today|trading|right now|)",
  ],
  [1.2, "(your|) {symbol} (shares|) (is|are|is trading|are trading) at {price} (now|sir|today|)"],
  // Talk
  [
    1.5,
    "(yes|) (how can i help you|how may i help you|tell me|tell me sir|tell me what would you like to do|what would you like to do|what do you want to buy|how much quantity|what price|at what price|which stock|any other order|anything else) (sir|madam|today|)",
  ],
  [
    2,
    "(thank you|thank you sir|thank you madam|thanks|bye|thanks a lot|have a nice day|thank you for calling|okay bye|no problem|no problem sir|you will get a message|you will get the message|you will receive the contract note|you will get the confirmation message|please check your message) (thank you|bye|sir|madam|)",
  ],
  [
    1.6,
    "(okay|yes|no|) (let me think about it|let me think|i will call you back|i will think about it|i will call you later|i will call you tomorrow|call me tomorrow|not today|i am not sure|i am not sure what to do|i saw that|what do you suggest|what should i do|should i hold or sell|you can hold it|you can book profit now|the market is down today|the market is up|i will let you know|i have to go|please wait|one moment please|hold on)",
  ],
  [
    0.6,
    "(what is|please tell me|can you send me|i want to know|check) (my|the) (balance|margin|ledger|holding|position|profit|contract note|statement|limit|brokerage) (please|today|in my account|)",
  ],
  [
    0.6,
    "(this stock|it|the price|{symbol}) (will go up|will go down|can go to {price}|will double|is a good buy|looks weak|looks strong|is guaranteed|has good results) (this week|this month|today|tomorrow|soon|)",
  ],
];

const NAMES =
  "amit sunita rajesh neha deepak kavita manoj pooja sanjay meena rohit divya ashok lakshmi anil rahul priya suresh vikram arjun anita john ramesh kiran sneha gopal nitin gaurav maria david peter mary robert sarah michael";
const SURNAMES =
  "gupta patel singh kumar shah reddy iyer joshi verma mehta sharma desai nair rao smith brown jones thomas";
const CITIES = "mumbai delhi pune bangalore chennai kolkata hyderabad london";
const MONTHS = "january february march april may june july august september october november december";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

const SLOTS: Record<string, string | ((random: Random) => string)> = {
  name: choice(NAMES),
  surname: choice(SURNAMES),
  city: choice(CITIES),
  code: (random) =>
    [letter, letter, spokenDigit, spokenDigit, spokenDigit, spokenDigit].map((part) => part(random)).join(" "),
  side: "(buy|sell|buy|sell|buy|sell|buying|selling|purchase)",
  quantity: spokenQuantity,
  shares: "(|shares of|shares|quantity||of|shares in)",
  terms:
    "(at {price}|at {price}|at {price} limit|limit {price}|for {price}|at market|at market price|at the market|at current market price|at c m p|at {price} stop loss {price}|with stop loss {price}||)",
  asking:
    "(confirmed|is that correct|is that correct sir|correct|right|confirm|okay|shall i place the order|should i go ahead|limit for today shall i place the order|limit confirmed|is it okay|limit|trigger {price} okay|stop loss {price}|)",
  price: (random) =>
    spokenPrice(random) +
    random.pick([
      "",
      "",
      "",
      "",
      " rupees",
      " rupees fifty paise",
      " rupees twenty five paise",
      " point five",
      ` point ${spokenDigit(random)}`,
    ]),
  strike: spokenStrike,
  index: "(nifty|bank nifty)",
  contract:
    "(call|put|futures|call option|put option|future|{month} call|{month} put|{month} futures|call option {month} expiry)",
  month: choice(MONTHS),
  lots: "(one lot|two lots|three lots|four lots|five lots|ten lots|twenty lots)",
};

/** Sentences as a dealing desk and its clients say them, with these names of stocks, in lower case without punctuation. */
export function sampleSentences(count: number, spokenSymbols: readonly string[], random: Random): string[] {
  const slots = { ...SLOTS, symbol: (chance: Random) => chance.pick(spokenSymbols) };
  const total = TEMPLATES.reduce((sum, [weight]) => sum + weight, 0);
  const sentence = (): string => {
    let rest = random.next() * total;
    const [, template] = TEMPLATES.find(([weight]) => (rest -= weight) < 0) ?? (TEMPLATES[0] as [number, string]);
    return fill(template, slots, random);
  };
  return Array.from({ length: count }, () => {
    const text = random.chance(0.25) ? `${sentence()} ${sentence()}` : sentence();
    return text.replaceAll(/\s+/g, " ").trim();
  }).filter((text) => text !== "");
}

/** Fills slots and chooses alternatives from the inside out. */
function fill(template: string, slots: typeof SLOTS, random: Random): string {
  const innermost = /\{(\w+)\}|\(([^(){}]*)\)/;
  let text = template;
  for (let match = innermost.exec(text); match; match = innermost.exec(text)) {
    const [whole, name, alternatives] = match;
    let replacement: string;
    if (name === undefined) {
      replacement = random.pick((alternatives as string).split("|"));
    } else {
      const slot = slots[name];
      if (slot === undefined) throw new Error(`The template "${template}" names the unknown slot ${name}`);
      replacement = typeof slot === "string" ? slot : slot(random);
    }
    text = text.slice(0, match.index) + replacement + text.slice(match.index + whole.length);
  }
  return text;
}

function choice(words: string): (random: Random) => string {
  const list = words.split(" ");
  return (random) => random.pick(list);
}

function letter(random: Random): string {
  return random.pick([...LETTERS]);
}
