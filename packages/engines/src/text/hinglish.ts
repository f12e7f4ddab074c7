import { hindiNumber } from "./hindi-numbers.js";

/**
 * Hindi words of Indian dealing desks in Roman letters, as the English words that the grammar knows. Spellings vary, so several
 * lead to one word; words that mean something else in English are left alone, or taken only beside a Hindi number.
 */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    yes: "haan han haa hanji",
    no: "nahi nahin nahee",
    dont: "mat matt",
    wait: "ruk ruko rukiye rukna rukho thehro thehriye tehro theher",
    later: "baad baadme baadmein",
    tomorrow: "kal",
    today: "aaj",
    now: "abhi",
    if: "agar yadi",
    but: "lekin magar parantu kintu",
    only: "sirf bas keval",
    both: "dono",
    and: "aur",
    one: "ek",
    three: "teen",
    four: "char chaar",
    five: "paanch panch",
    six: "chhe chhah chheh",
    seven: "saat",
    eight: "aath",
    nine: "nau",
    ten: "dus",
    hundred: "sau",
    thousand: "hazaar hazar hajar",
    lakh: "laakh",
    buy: "kharido kharid khareed khareedo kharidna khareedna kharidiye khareediye khariden kharidlo",
    sell: "becho bech bechna bechiye bechdo bechen",
    shares: "sheyar",
  }).flatMap(([english, hindi]) => hindi.split(" ").map((word): [string, string] => [word, english])),
);

/** Also a surname, and "with". */
const BESIDE_TEN = /^(?:sau|hazaar|lakh|share|shares|lot|rupaye|rupees)$/;
const AFTER_TWO = /^(?:sau|hazaar|hazar|hajar|lakh|lac|crore|lot)$/;
const BESIDE_SIXTY = /^(?:sau|share|shares|lot|pe|rupaye|rupees)$/;

/** The English word for `word`, or `word` itself; `before` and `after` are the words beside it, as spoken. */
export function inEnglish(word: string, before: string | undefined, after: string | undefined): string {
  if (word === "do" && AFTER_TWO.test(after ?? "")) return "two";
  if (word === "das" && [before, after].some((beside) => BESIDE_TEN.test(beside ?? ""))) return "ten";
  if (word === "saath" && (before === "sau" || BESIDE_SIXTY.test(after ?? ""))) return "sixty";
  return WORDS.get(word) ?? hindiNumber(word) ?? word;
}
