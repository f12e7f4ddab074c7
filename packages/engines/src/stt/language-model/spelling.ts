/**
 * Spelling to phones (ARPAbet without stress) for names that no dictionary has: the longest rule that fits at each place.
 * Made for the spelling of Indian and English names; a wrong guess costs the word, so frequent names belong in
 * data/stt/pronunciations.dict.
 */
const RULES: Record<string, string> = {
  tion: "SH AH N",
  sch: "SH",
  tch: "CH",
  aa: "AA",
  ai: "AY",
  au: "AO",
  ay: "EY",
  bh: "B",
  ch: "CH",
  ck: "K",
  dh: "D",
  ee: "IY",
  ea: "IY",
  ei: "EY",
  ey: "IY",
  gh: "G",
  ie: "IY",
  jh: "JH",
  kh: "K",
  ng: "NG",
  oo: "UW",
  ou: "AW",
  oy: "OY",
  ph: "F",
  qu: "K W",
  sh: "SH",
  th: "TH",
  ar: "AA R",
  er: "ER",
  ir: "IH R",
  or: "AO R",
  ur: "ER",
  a: "AH",
  b: "B",
  c: "K",
  ce: "S EH",
  ci: "S IH",
  d: "D",
  e: "EH",
  f: "F",
  g: "G",
  h: "HH",
  i: "IH",
  j: "JH",
  k: "K",
  l: "L",
  m: "M",
  n: "N",
  o: "OW",
  p: "P",
  q: "K",
  r: "R",
  s: "S",
  t: "T",
  u: "UH",
  v: "V",
  w: "W",
  x: "K S",
  y: "Y",
  z: "Z",
};
const ENDINGS: Record<string, string> = { y: "IY", i: "IY", u: "UW", es: "Z", e: "" };
const LONGEST = Math.max(...Object.keys(RULES).map((rule) => rule.length));

/** A likely pronunciation of a word in lower-case letters; other characters are passed over. Empty when nothing is left. */
export function pronounce(word: string): string {
  const letters = word.replaceAll(/[^a-z]/g, "").replaceAll(/([b-df-hj-np-tv-z])\1/g, "$1");
  const phones: string[] = [];
  for (let at = 0; at < letters.length;) {
    const rest = letters.slice(at);
    const ending = at > 0 ? ENDINGS[rest] : undefined;
    if (ending !== undefined) {
      if (ending !== "") phones.push(ending);
      break;
    }
    let length = Math.min(LONGEST, rest.length);
    while (length > 1 && RULES[rest.slice(0, length)] === undefined) length--;
    phones.push(RULES[rest.slice(0, length)] as string);
    at += length;
  }
  return phones.join(" ");
}
