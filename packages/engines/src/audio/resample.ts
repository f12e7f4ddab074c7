/**
 * Conversion between 8 and 48 kHz with one windowed-sinc low-pass filter (Blackman window), used polyphase: of the
 * upsampled signal only the samples that are not zero are multiplied, of the downsampled one only those kept are computed
 * (Crochiere and Rabiner, "Multirate Digital Signal Processing", 1983). Both directions read around a position, so a long
 * recording is converted piece by piece without seams, and neither shifts the signal in time.
 */
export const RATIO = 6;
const TAPS = RATIO * 48 + 1;
/** Samples at 48 kHz that the filter reaches to each side. */
export const REACH = (TAPS - 1) / 2;
/** Relative to 48 kHz: 94 % of the narrow band's Nyquist frequency of 4 kHz. */
const CUTOFF = (0.5 / RATIO) * 0.94;
const FILTER = lowPass(TAPS, CUTOFF);

/** Fills `target` with the 48 kHz signal from sample `from` on (counted at 48 kHz), zero beyond the ends of `samples8k`. */
export function upsample(samples8k: Float32Array, from: number, target: Float32Array): void {
  for (let i = 0; i < target.length; i++) {
    const position = from + i;
    const first = Math.max(0, Math.ceil((position - REACH) / RATIO));
    const last = Math.min(samples8k.length - 1, Math.floor((position + REACH) / RATIO));
    let sum = 0;
    for (let k = first; k <= last; k++)
      sum += (samples8k[k] as number) * (FILTER[position - k * RATIO + REACH] as number);
    target[i] = sum * RATIO;
  }
}

/** One 8 kHz sample: the low-passed value of `samples48k` at `position`, which must be `REACH` away from both ends. */
export function downsampleAt(samples48k: Float32Array, position: number): number {
  let sum = 0;
  const first = position - REACH;
  for (let i = 0; i < TAPS; i++) sum += (samples48k[first + i] as number) * (FILTER[i] as number);
  return sum;
}

function lowPass(taps: number, cutoff: number): Float64Array {
  const middle = (taps - 1) / 2;
  return Float64Array.from({ length: taps }, (_, i) => {
    const t = i - middle;
    const phase = (2 * Math.PI * i) / (taps - 1);
    const blackman = 0.42 - 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
    const sinc = t === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * t) / (Math.PI * t);
    return sinc * blackman;
  });
}
