import { Random } from "../audio/random.js";

/** The format that the acoustic model was trained on. */
export const RECOGNISER_RATE = 16_000;
/** Every utterance is brought to this peak: recordings differ by 30 dB in level. */
const PEAK = 0.7;
/** Silence before and after an utterance, in seconds: the recogniser drops words at a hard edge. */
const PAD_S = 0.15;
/**
 * Noise is added at this level (dB relative to full scale). The model expects some energy above 4 kHz, where telephone
 * recordings have none; digital silence there is read as a sound.
 */
const DITHER_DB = -55;
const DITHER_SEED = 1;

const TAPS = 127;
const MIDDLE = (TAPS - 1) / 2;
const FILTER = halfBand();

/**
 * An utterance at 8 kHz made ready for the recogniser: 16 kHz, peak-normalised, padded and dithered. The dither is the same
 * every time, so the same recording always gives the same text.
 */
export function prepareUtterance(samples8k: Float32Array): Float32Array {
  let peak = 0;
  for (const sample of samples8k) peak = Math.max(peak, Math.abs(sample));
  const gain = peak > 0 ? PEAK / peak : 0;
  const pad = Math.round(PAD_S * RECOGNISER_RATE);
  const result = new Float32Array(samples8k.length * 2 + 2 * pad);
  for (let i = 0; i < samples8k.length * 2; i++) result[i + pad] = upsampledAt(samples8k, i) * gain;

  // The sum of four uniform values minus its mean is close to a Gaussian with a deviation of 1 / sqrt(3).
  const random = new Random(DITHER_SEED);
  const amplitude = 10 ** (DITHER_DB / 20) * Math.sqrt(3);
  for (let i = 0; i < result.length; i++) {
    const noise = random.next() + random.next() + random.next() + random.next() - 2;
    result[i] = (result[i] as number) + amplitude * noise;
  }
  return result;
}

/** How long an utterance of so many seconds is when it has been prepared. */
export function preparedSeconds(utteranceS: number): number {
  return utteranceS + 2 * PAD_S;
}

/** One sample at 16 kHz: a windowed-sinc low-pass filter over the zero-stuffed signal. */
function upsampledAt(samples8k: Float32Array, position: number): number {
  let sum = 0;
  for (let tap = (position + MIDDLE) & 1; tap < TAPS; tap += 2) {
    const k = (position + MIDDLE - tap) >> 1;
    if (k >= 0 && k < samples8k.length) sum += (samples8k[k] as number) * (FILTER[tap] as number);
  }
  return sum * 2;
}

/** Cut-off at 96 % of the narrow band's Nyquist frequency, Blackman window. */
function halfBand(): Float64Array {
  const cutoff = 0.48;
  return Float64Array.from({ length: TAPS }, (_, i) => {
    const t = i - MIDDLE;
    const phase = (2 * Math.PI * i) / (TAPS - 1);
    const window = 0.42 - 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
    return (t === 0 ? cutoff : Math.sin(Math.PI * cutoff * t) / (Math.PI * t)) * window;
  });
}
