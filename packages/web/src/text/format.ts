/** Formats figures for people. All functions are pure; times are in milliseconds unless stated otherwise. */
import { timeZoneOf, type Zone } from "./zones.js";

const NUMBER = new Intl.NumberFormat("en-GB");
const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone}${Object.keys(options).join()}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      ...options,
      hourCycle: "h23",
      timeZone: timeZoneOf(zone),
    });
    formats.set(key, format);
  }
  return format;
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DAY = { day: "numeric", month: "short", year: "numeric" } as const;

/** `10:42:07`. */
export function clock(at: number | string, zone: Zone): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "–" : dateFormat(zone, CLOCK).format(time);
}

/** The label of a time on an axis, which names no more than what differs: `10:42:07`, `10:42` or `23 Nov`. `stepS`: from label to label. */
export function timeLabel(at: number, stepS: number, zone: Zone): string {
  if (stepS >= DAY_S) return dayOf(at, zone);
  return stepS >= 60 ? dateFormat(zone, { hour: "2-digit", minute: "2-digit" }).format(at) : clock(at, zone);
}

/** `23 Nov`. */
export function dayOf(at: number | string, zone: Zone): string {
  return dateFormat(zone, { day: "numeric", month: "short" }).format(new Date(at));
}

/** `23 Nov 2026, 10:42:07.123 UTC+2`: unambiguous. */
export function fullTime(at: number | string, zone: Zone): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return String(at);
  const thousandths = String(time.getUTCMilliseconds()).padStart(3, "0");
  return `${dateFormat(zone, DAY).format(time)}, ${clock(at, zone)}.${thousandths} ${zoneName(zone, time)}`;
}

const DAY_S = 86_400;

/** `10:42:07`, with the day when that was more than a day before `now`. */
export function clockSince(at: number | string, now: number, zone: Zone): string {
  return now - new Date(at).getTime() < DAY_S * 1_000 ? clock(at, zone) : dayAndTime(at, zone);
}

/** `23 Nov 2026, 10:42`. */
export function dayAndTime(at: number | string, zone: Zone): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return String(at);
  return dateFormat(zone, { ...DAY, hour: "2-digit", minute: "2-digit" }).format(time);
}

/** `UTC`, `CET`, `GMT+5:30`: as the browser names the zone at that time. */
export function zoneName(zone: Zone, at: Date): string {
  if (zone === "utc") return "UTC";
  const parts = dateFormat(zone, { hour: "2-digit", timeZoneName: "short" }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
}

/** How long something took: `0 ms`, `480 ms`, `3.2 s`, `4 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const value = Math.max(0, ms);
  if (value < 999.5) return `${Math.round(value)} ms`;
  if (value < 59_950) return `${(value / 1_000).toFixed(1)} s`;
  const seconds = Math.round(value / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

/** A running clock, in whole seconds: `0:07`, `4:05`, `2:07:30`. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${number(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** How old something is, coarser as it gets older: `0.3 s ago`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s ago`;
  if (seconds < 59.5) return `${Math.round(seconds)} s ago`;
  if (seconds < 3_570) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 84_600) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** How old the shown data is: `0.3 s behind`. */
export function behind(ms: number): string {
  return age(ms).replace(/ ago$/, " behind");
}

/** Powers of 1,000: `812 B`, `4.1 kB`, `2.3 MB`. */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 999_950) return `${(count / 1_000).toFixed(1)} kB`;
  if (count < 999_950_000) return `${(count / 1e6).toFixed(1)} MB`;
  return `${(count / 1e9).toFixed(1)} GB`;
}

/** `12,345`. */
export function number(count: number): string {
  return NUMBER.format(count);
}

/** Whole percent of a share from 0 to 1; 0 and 100 appear only when they are exact. */
export function percent(share: number): string {
  if (share <= 0) return "0 %";
  if (share >= 1) return "100 %";
  return `${Math.min(99, Math.max(1, Math.round(share * 100)))} %`;
}

/** Files per minute, three digits at most: `0.4`, `12`, `1,204`. */
export function rate(perMinute: number): string {
  return perMinute < 9.95 ? String(Number(perMinute.toFixed(1))) : number(Math.round(perMinute));
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `1:05.2` */
export function position(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = (Math.floor((seconds - minutes * 60) * 10) / 10).toFixed(1);
  return `${minutes}:${rest.padStart(4, "0")}`;
}
