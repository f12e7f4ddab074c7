/**
 * Hindi words of Indian dealing desks in Roman letters, as the English words that the grammar knows. Spellings vary, so several
 * lead to one word; words that mean something else in English are left alone, or taken only beside a Hindi number.
 */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    yes: "haan han haa hanji",
    no: "nahi nahin nahee",
    dont: "mat",
    wait: "ruko rukiye rukna",
    later: "baad",
    tomorrow: "kal",
    today: "aaj",
    now: "abhi",
    if: "agar",
    but: "lekin magar",
    only: "sirf bas",
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
    eleven: "gyarah",
    twelve: "barah baarah",
    thirteen: "terah",
    fourteen: "chaudah",
    fifteen: "pandrah pandra",
    sixteen: "solah",
    seventeen: "satrah satra",
    eighteen: "atharah athara",
    nineteen: "unnis",
    twenty: "bees",
    thirty: "tees",
    forty: "chalis chaalis",
    fifty: "pachas pachaas",
    seventy: "sattar",
    eighty: "assi",
    ninety: "nabbe",
    hundred: "sau",
    thousand: "hazaar hazar hajar",
    lakh: "laakh",
    buy: "kharido kharid khareed khareedo kharidna kharidiye",
    sell: "becho bech bechna bechiye bechdo",
    shares: "sheyar",
  }).flatMap(([english, hindi]) => hindi.split(" ").map((word): [string, string] => [word, english])),
);

/** Numbers that are more than one English word. */
const COMPOUND: Readonly<Record<string, string>> = {
  ikkis: "21",
  bais: "22",
  pachees: "25",
  pachchis: "25",
  paintees: "35",
  paintalis: "45",
  pachpan: "55",
  painsath: "65",
  pachhattar: "75",
  pachasi: "85",
  pachanve: "95",
};

/** Also a surname, and "with". */
const BESIDE_TEN = /^(?:sau|hazaar|lakh|share|shares|lot|rupaye|rupees)$/;
const AFTER_TWO = /^(?:sau|hazaar|hazar|hajar|lakh|lac|crore|lot)$/;
const BESIDE_SIXTY = /^(?:sau|share|shares|lot|pe|rupaye|rupees)$/;

/** The English word for `word`, or `word` itself; `before` and `after` are the words beside it, as spoken. */
export function inEnglish(word: string, before: string | undefined, after: string | undefined): string {
  if (word === "do" && AFTER_TWO.test(after ?? "")) return "two";
  if (word === "das" && [before, after].some((beside) => BESIDE_TEN.test(beside ?? ""))) return "ten";
  if (word === "saath" && (before === "sau" || BESIDE_SIXTY.test(after ?? ""))) return "sixty";
  return WORDS.get(word) ?? (Object.hasOwn(COMPOUND, word) ? (COMPOUND[word] ?? word) : word);
}
