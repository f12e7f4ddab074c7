import { SAMPLE_RATE } from "../audio/audio.js";
import type { CallSegment } from "./call-segment.js";

/**
 * DTMF keys (ITU-T Q.23, Q.24) and call progress tones (ITU-T E.180), found with the Goertzel algorithm (Goertzel, "An
 * Algorithm for the Evaluation of Finite Trigonometric Series", 1958) on frames of 40 ms every 10 ms.
 */
const FRAME = 320;
const HOP = 80;
const HOP_S = HOP / SAMPLE_RATE;
const FRAME_S = FRAME / SAMPLE_RATE;

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];
/** Frequencies of ring and busy tones: India and UK, North America (ring, busy), Europe, India (busy). */
const PROGRESS_TONES = [[400, 450], [440, 480], [480, 620], [425], [400]];

const MIN_LEVEL_DB = -45;
/** Share of the frame's energy that the two DTMF frequencies must have. Speech stays far below. */
const DTMF_SHARE = 0.55;
const DTMF_MAX_TWIST_DB = 9;
/** Each of the two must have this many times the energy of the next one in its group. */
const DTMF_LEAD = 4;
const PROGRESS_SHARE = 0.6;
/** Q.24: shorter than 40 ms is not a key; frames that overlap a key only in part are lost at both ends. */
const MIN_DTMF_S = 0.055;
/** The shortest bursts of ring tones last 0.4 s, of congestion tones 0.25 s, less what noise takes away. */
const MIN_PROGRESS_S = 0.22;
/** Of two frequencies that sound together, the weaker one has at least this share of the energy of the stronger. */
const PROGRESS_BALANCE = 0.15;
const MAX_GAP_FRAMES = 3;

/** Bursts of a busy or congestion tone and the pauses between them have the same length, at most this. */
const MAX_BUSY_BURST_S = 0.85;
const BUSY_MIN_BURSTS = 3;
const BUSY_TOLERANCE_S = 0.1;

interface FrameTone {
  kind: "dtmf" | "progress";
  label: string;
  share: number;
}

/** Finds keys, ring tones and busy tones in a mono recording at 8 kHz, in order of time. */
export function findTones(samples8k: Float32Array): CallSegment[] {
  const frames: (FrameTone | undefined)[] = [];
  for (let start = 0; start + FRAME <= samples8k.length; start += HOP) frames.push(frameTone(samples8k, start));

  const segments: CallSegment[] = [];
  for (let i = 0; i < frames.length;) {
    const first = frames[i];
    if (!first) {
      i++;
      continue;
    }
    const run = runFrom(frames, i, first);
    const durationS = (run.last - i + 1) * HOP_S + FRAME_S - HOP_S;
    if (durationS >= (first.kind === "dtmf" ? MIN_DTMF_S : MIN_PROGRESS_S)) {
      segments.push({
        type: first.kind === "dtmf" ? "dtmf" : "ring",
        start_s: i * HOP_S,
        end_s: run.last * HOP_S + FRAME_S,
        label: run.label,
        confidence: run.share,
      });
    }
    i = run.last + 1;
  }
  return withBusyTones(segments);
}

/** The tone that frames from `start` on share, over gaps of up to 30 ms; labelled by the majority. */
function runFrom(frames: (FrameTone | undefined)[], start: number, first: FrameTone) {
  const votes = new Map<string, number>();
  let last = start;
  let shares = 0;
  let count = 0;
  for (let i = start; i < frames.length && i - last <= MAX_GAP_FRAMES + 1; i++) {
    const frame = frames[i];
    if (frame?.kind !== first.kind || (first.kind === "dtmf" && frame.label !== first.label)) continue;
    last = i;
    shares += frame.share;
    count++;
    votes.set(frame.label, (votes.get(frame.label) ?? 0) + 1);
  }
  const label = [...votes].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? first.label;
  return { last, label, share: Math.min(1, shares / count) };
}

function frameTone(samples: Float32Array, start: number): FrameTone | undefined {
  let energy = 0;
  for (let i = start; i < start + FRAME; i++) energy += (samples[i] as number) ** 2;
  if (10 * Math.log10(energy / FRAME + 1e-10) < MIN_LEVEL_DB) return undefined;

  const rows = ROWS.map((frequency) => goertzel(samples, start, frequency));
  const columns = COLUMNS.map((frequency) => goertzel(samples, start, frequency));
  const row = strongest(rows);
  const column = strongest(columns);
  const share = (row.energy + column.energy) / energy;
  const twistDb = Math.abs(10 * Math.log10((row.energy + 1e-12) / (column.energy + 1e-12)));
  const clear = row.energy > DTMF_LEAD * row.next && column.energy > DTMF_LEAD * column.next;
  if (share > DTMF_SHARE && twistDb < DTMF_MAX_TWIST_DB && clear) {
    return { kind: "dtmf", label: KEYS[row.index]?.[column.index] ?? "?", share };
  }

  let best = { label: "", energy: 0 };
  for (const tone of PROGRESS_TONES) {
    const energies = tone.map((frequency) => goertzel(samples, start, frequency));
    if (Math.min(...energies) < PROGRESS_BALANCE * Math.max(...energies)) continue;
    const total = energies.reduce((sum, part) => sum + part, 0);
    if (total > best.energy) best = { label: `${tone.join("+")} Hz`, energy: total };
  }
  if (best.energy / energy <= PROGRESS_SHARE) return undefined;
  return { kind: "progress", label: best.label, share: best.energy / energy };
}

/** The energy at one frequency, on the scale of the sum of squared samples. */
function goertzel(samples: Float32Array, start: number, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
  let previous = 0;
  let beforeThat = 0;
  for (let i = start; i < start + FRAME; i++) {
    const current = (samples[i] as number) + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = current;
  }
  return ((previous ** 2 + beforeThat ** 2 - coefficient * previous * beforeThat) * 2) / FRAME;
}

function strongest(energies: number[]): { index: number; energy: number; next: number } {
  const [energy = 0, next = 0] = energies.toSorted((a, b) => b - a);
  return { index: energies.indexOf(energy), energy, next };
}

/** Marks as busy what repeats in even bursts and pauses; ring tones pause longer than they sound, or unevenly. */
function withBusyTones(segments: CallSegment[]): CallSegment[] {
  const bursts = segments.filter(({ type }) => type === "ring");
  const busy = new Set<CallSegment>();
  for (let i = 0; i < bursts.length; i++) {
    const train = [bursts[i] as CallSegment];
    for (const next of bursts.slice(i + 1)) {
      const before = train.at(-1) as CallSegment;
      const on = before.end_s - before.start_s;
      const pause = next.start_s - before.end_s;
      const even =
        Math.abs(pause - on) <= BUSY_TOLERANCE_S && Math.abs(next.end_s - next.start_s - on) <= BUSY_TOLERANCE_S;
      if (on > MAX_BUSY_BURST_S || !even || next.label !== before.label) break;
      train.push(next);
    }
    if (train.length >= BUSY_MIN_BURSTS) for (const burst of train) busy.add(burst);
  }
  return segments.map((segment) => (busy.has(segment) ? { ...segment, type: "busy" } : segment));
}
