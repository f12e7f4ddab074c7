/** What people say for a company: made from its registered name. */

/** Legal forms and places behind a name, which nobody says. */
const FORM =
  /(?:^| )(?:limited|ltd|ltd\.|private|pvt|plc|inc|incorporated|corporation|corp|company|co|the|llp|sa|ag|nv|india|\(india\)|\(i\))$/;
/** What a company does, which people leave out. */
const TRADE =
  /(?:^| )(?:industries|enterprises|enterprise|international|holdings?|ventures|technologies|technology|laboratories|labs|pharmaceuticals?|pharma|chemicals?|energy|infrastructure|infra|projects|products|services|solutions|systems|motors|finance|financial services|and sons)$/;
/** Begin many names and tell none apart. */
const COMMON = new Set(
  "the india indian bharat national state united general global new first hindustan union central south north east west punjab gujarat tata bajaj adani reliance birla aditya mahindra jindal jsw godrej torrent hero max star shree sri great eastern western royal premier".split(
    " ",
  ),
);
const SHORTEST = 4;

/**
 * The names by which a company is spoken of, the whole one first: "Pidilite Industries Limited" is "pidilite industries" and
 * "pidilite". A short form may be one of several companies': whoever uses it has to look.
 */
export function spokenNames(company: string): string[] {
  let name = company
    .toLowerCase()
    .replaceAll("&", " and ")
    .replaceAll(/['’.]/g, "")
    .replaceAll(/[^a-z0-9()]+/g, " ")
    .trim();
  for (let rest = name.replace(FORM, ""); rest !== name && rest !== ""; rest = name.replace(FORM, "")) {
    // "Oil India Limited" is spoken of as "oil india".
    if (name.endsWith(" india") && !isTelling(rest)) break;
    name = rest.trim();
  }
  name = name.replaceAll(/[()]/g, " ").replaceAll(/\s+/g, " ").trim();
  const short = name.replace(TRADE, "").trim();
  const [first = ""] = name.split(" ");
  return [...new Set([name, short, first].filter(isTelling))];
}

function isTelling(name: string): boolean {
  return name.replaceAll(/[ ()]/g, "").length >= SHORTEST && !COMMON.has(name.trim());
}
