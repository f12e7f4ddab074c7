/** Frames of 20 ms at 8 kHz. */
const FRAME = 160;
/** The share of frames, the quietest ones, that are taken for the pauses between words. */
const QUIET_SHARE = 0.1;

/** Levels in dB relative to full scale (a square wave at full scale has 0 dB); `null` for digital silence. */
export interface Levels {
  level_dbfs: number | null;
  noise_before_dbfs: number | null;
  noise_after_dbfs: number | null;
}

/**
 * Measures a recording and its denoised version. The noise is the mean power in the quietest tenth of the original's
 * frames, and in the very same frames of the denoised one. Frames that are all zero carry no noise: they are left out.
 */
export function measureLevels(original: Float32Array, denoised: Float32Array): Levels {
  const frames = Array.from({ length: Math.floor(original.length / FRAME) }, (_, i) => ({
    start: i * FRAME,
    power: meanPower(original, i * FRAME, (i + 1) * FRAME),
  })).filter(({ power }) => power > 0);
  frames.sort((a, b) => a.power - b.power);
  const quiet = frames.slice(0, Math.ceil(frames.length * QUIET_SHARE));
  const mean = (samples: Float32Array): number =>
    quiet.reduce((sum, { start }) => sum + meanPower(samples, start, start + FRAME), 0) / Math.max(1, quiet.length);
  return {
    level_dbfs: decibels(meanPower(original, 0, original.length)),
    noise_before_dbfs: decibels(mean(original)),
    noise_after_dbfs: decibels(mean(denoised)),
  };
}

function meanPower(samples: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (samples[i] as number) ** 2;
  return to > from ? sum / (to - from) : 0;
}

function decibels(power: number): number | null {
  return power > 0 ? Math.round(100 * 10 * Math.log10(power)) / 100 : null;
}
