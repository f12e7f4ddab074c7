/** Reads symbols as brokers and exchanges write them: `INFY-EQ`, `NSE:INFY`, `NIFTY26NOV24500CE`, `BANKNIFTY 26 NOV 2026 FUT`. */

/** What a trading symbol says of its contract; null where it does not say. */
export interface TradingSymbol {
  /** The share or index, in capitals. */
  symbol: string;
  instrument: "EQ" | "FUT" | "OPT" | null;
  /** `YYYY-MM-DD`, or `YYYY-MM` where only the month is given. */
  expiry: string | null;
  strike: number | null;
  optionType: "CE" | "PE" | null;
}

const EXCHANGE = /^(?:NSE|BSE|NFO|BFO|MCX|CDS)\s*[:|]\s*/;
const SERIES = /^(.{2,}?)(?:[-_ ](?:EQ|BE|BZ|BL|SM|ST|IL|RL)|\.(?:NS|BO|NSE|BSE))$/;
const KIND = /^(?:OPTIDX|OPTSTK|FUTIDX|FUTSTK|OPT|FUT)(?=[ -])[ -]+/;
const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const MONTH = MONTHS.join("|");
/** Months of weekly contracts: 1 to 9, O, N, D. */
const WEEKLY_MONTHS = "123456789OND";
const NAME = "([A-Z0-9&-]*?[A-Z&-])";

const AFTER_DATE = new RegExp(
  `^${NAME}(\\d\\d)(${MONTH})(\\d*)(?:(C|P)(\\d+(?:\\.\\d+)?)|(\\d*(?:\\.\\d+)?)(CE|PE)|(FUT|F))$`,
);
const BEFORE_DATE = new RegExp(`^${NAME}(\\d+(?:\\.\\d+)?)(CE|PE)(\\d\\d)(${MONTH})(\\d{2,4})$`);
const WEEKLY = new RegExp(`^${NAME}(\\d\\d)([1-9OND])(\\d\\d)(\\d{2,}(?:\\.\\d+)?)(CE|PE)$`);
/** A strike beyond it has a year in front. */
const HIGHEST_STRIKE = 250_000;

/** `day`, `YYYY-MM-DD`, tells a year from the digits of a strike: a contract does not expire before it is traded. */
export function readTradingSymbol(text: string, day: string): TradingSymbol {
  const plain = text.trim().toUpperCase().replace(EXCHANGE, "");
  const share = SERIES.exec(plain)?.[1];
  if (share !== undefined) return { ...NOTHING, symbol: share, instrument: "EQ" };
  const joined = plain.replace(KIND, "").replaceAll(/\s+/g, "");
  return contractIn(joined, day) ?? { ...NOTHING, symbol: plain };
}

const NOTHING = { instrument: null, expiry: null, strike: null, optionType: null } as const;

function contractIn(text: string, day: string): TradingSymbol | null {
  const before = BEFORE_DATE.exec(text);
  if (before) {
    const [, symbol = "", strike, type, date = "", month = "", year = ""] = before;
    return option(symbol, Number(strike), type ?? "", dated(year, month, date));
  }
  const after = AFTER_DATE.exec(text);
  if (after) return datedContract(after, day);
  const weekly = WEEKLY.exec(text);
  if (!weekly) return null;
  const [, symbol = "", year = "", month = "", date = "", strike, type] = weekly;
  const expiry = dated(year, MONTHS[WEEKLY_MONTHS.indexOf(month)] ?? "", date);
  return expiry === null || expiry < day ? null : option(symbol, Number(strike), type ?? "", expiry);
}

/** `26NOV24500CE` is a month of 2026, `26NOV2624500CE` and `26NOV202624500CE` a day of it: the first that can be. */
function datedContract(match: RegExpExecArray, day: string): TradingSymbol | null {
  const [, symbol = "", first = "", month = "", digits = "", shortType, shortStrike, rest = "", type, future] = match;
  const number = `${digits}${rest}`;
  if (future !== undefined || shortType !== undefined) {
    const expiry = digits === "" ? dated(first, month) : dated(digits, month, first);
    if (expiry === null) return null;
    if (future !== undefined) return { ...NOTHING, symbol, instrument: "FUT", expiry };
    return option(symbol, Number(shortStrike), shortType === "C" ? "CE" : "PE", expiry);
  }
  const ways = [
    { expiry: dated(first, month), strike: Number(number) },
    { expiry: dated(number.slice(0, 2), month, first), strike: Number(number.slice(2)) },
    { expiry: dated(number.slice(0, 4), month, first), strike: Number(number.slice(4)) },
  ];
  const found = ways.find(
    ({ expiry, strike }) => expiry !== null && strike > 0 && strike <= HIGHEST_STRIKE && isNear(expiry, day),
  );
  return found ? option(symbol, found.strike, type ?? "", found.expiry) : null;
}

/** Not before the day, and within the years for which contracts are traded. */
function isNear(expiry: string, day: string): boolean {
  return expiry >= day.slice(0, expiry.length) && Number(expiry.slice(0, 4)) <= Number(day.slice(0, 4)) + 6;
}

function option(symbol: string, strike: number, type: string, expiry: string | null): TradingSymbol {
  return { symbol, instrument: "OPT", expiry, strike, optionType: type === "PE" ? "PE" : "CE" };
}

function dated(year: string, month: string, date?: string): string | null {
  if (!/^(?:\d\d|20\d\d)$/.test(year)) return null;
  const head = `${year.length === 2 ? `20${year}` : year}-${String(MONTHS.indexOf(month) + 1).padStart(2, "0")}`;
  const text = date === undefined ? head : `${head}-${date}`;
  return Number.isNaN(Date.parse(text)) ? null : text;
}
