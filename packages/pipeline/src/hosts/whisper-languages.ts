/** The languages of Whisper (`whisper/tokenizer.py` of OpenAI): servers give them by name or by code. */

/** Code, then the name and what else it goes by. */
const NAMES = `
en english|zh chinese mandarin|de german|es spanish castilian|ru russian|ko korean|fr french|ja japanese|pt portuguese
tr turkish|pl polish|ca catalan valencian|nl dutch flemish|ar arabic|sv swedish|it italian|id indonesian|hi hindi|fi finnish
vi vietnamese|he hebrew|uk ukrainian|el greek|ms malay|cs czech|ro romanian moldavian moldovan|da danish|hu hungarian
ta tamil|no norwegian|th thai|ur urdu|hr croatian|bg bulgarian|lt lithuanian|la latin|mi maori|ml malayalam|cy welsh
sk slovak|te telugu|fa persian|lv latvian|bn bengali|sr serbian|az azerbaijani|sl slovenian|kn kannada|et estonian
mk macedonian|br breton|eu basque|is icelandic|hy armenian|ne nepali|mn mongolian|bs bosnian|kk kazakh|sq albanian
sw swahili|gl galician|mr marathi|pa punjabi panjabi|si sinhala sinhalese|km khmer|sn shona|yo yoruba|so somali|af afrikaans
oc occitan|ka georgian|be belarusian|tg tajik|sd sindhi|gu gujarati|am amharic|yi yiddish|lo lao|uz uzbek|fo faroese
ht haitian_creole haitian|ps pashto pushto|tk turkmen|nn nynorsk|mt maltese|sa sanskrit|lb luxembourgish letzeburgesch
my myanmar burmese|bo tibetan|tl tagalog|mg malagasy|as assamese|tt tatar|haw hawaiian|ln lingala|ha hausa|ba bashkir
jw javanese|su sundanese|yue cantonese`;

const CODES: ReadonlyMap<string, string> = new Map(
  NAMES.split(/[|\n]/)
    .filter((entry) => entry !== "")
    .flatMap((entry) => {
      const [code = "", ...names] = entry.split(" ");
      return [code, ...names].map((name): [string, string] => [name.replaceAll("_", " "), code]);
    }),
);

/** Whisper has a code of its own for one language: ISO 639-1 has another. */
const ISO: Readonly<Record<string, string>> = { jw: "jv" };
const WHISPER: Readonly<Record<string, string>> = { jv: "jw" };

/** ISO 639-1 (639-3 for haw and yue) of a language as a server names it; `und` for a word that is no language. */
export function languageCode(said: string): string {
  const text = said.trim().toLowerCase();
  const [primary = ""] = text.split(/[-_]/);
  const code = CODES.get(text) ?? CODES.get(primary) ?? (/^[a-z]{2,3}$/.test(primary) ? primary : "und");
  return ISO[code] ?? code;
}

/** As Whisper knows it. */
export function whisperCode(iso: string): string {
  return WHISPER[iso] ?? iso;
}
