/**
 * Power spectra of Hann-windowed frames, by an in-place radix-2 fast Fourier transform (Cooley and Tukey, "An Algorithm for
 * the Machine Calculation of Complex Fourier Series", 1965). One instance serves one frame size and is not shared.
 */
export class PowerSpectrum {
  readonly #size: number;
  readonly #window: Float64Array;
  readonly #cosine: Float64Array;
  readonly #sine: Float64Array;
  readonly #reversed: Uint32Array;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;
  readonly #power: Float64Array;

  /** `size`: samples in a frame, a power of two. */
  constructor(size: number) {
    const bits = Math.log2(size);
    if (!Number.isInteger(bits)) throw new RangeError(`the frame size must be a power of two, not ${size}`);
    this.#size = size;
    const angles = Float64Array.from({ length: size }, (_, i) => (2 * Math.PI * i) / size);
    this.#window = angles.map((angle) => 0.5 - 0.5 * Math.cos(angle));
    this.#cosine = angles.map(Math.cos);
    this.#sine = angles.map(Math.sin);
    this.#reversed = Uint32Array.from({ length: size }, (_, i) => reverseBits(i, bits));
    this.#real = new Float64Array(size);
    this.#imaginary = new Float64Array(size);
    this.#power = new Float64Array(size / 2);
  }

  /**
   * The power in the lower half of the bins, of the frame that begins at `from`; samples beyond the end count as zero. The
   * array is reused by the next call.
   */
  at(samples: Float32Array, from: number): Float64Array {
    for (let i = 0; i < this.#size; i++) {
      const source = this.#reversed[i] as number;
      this.#real[i] = (samples[from + source] ?? 0) * (this.#window[source] as number);
    }
    this.#imaginary.fill(0);
    this.#transform();
    for (let k = 0; k < this.#power.length; k++) {
      this.#power[k] = (this.#real[k] as number) ** 2 + (this.#imaginary[k] as number) ** 2;
    }
    return this.#power;
  }

  #transform(): void {
    const [real, imaginary, size] = [this.#real, this.#imaginary, this.#size];
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let k = 0; k < half; k++) {
        const cosine = this.#cosine[k * stride] as number;
        const sine = this.#sine[k * stride] as number;
        for (let upper = k; upper < size; upper += 2 * half) {
          const lower = upper + half;
          const re = (real[lower] as number) * cosine + (imaginary[lower] as number) * sine;
          const im = (imaginary[lower] as number) * cosine - (real[lower] as number) * sine;
          real[lower] = (real[upper] as number) - re;
          imaginary[lower] = (imaginary[upper] as number) - im;
          real[upper] = (real[upper] as number) + re;
          imaginary[upper] = (imaginary[upper] as number) + im;
        }
      }
    }
  }
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let i = 0; i < bits; i++) reversed |= ((value >> i) & 1) << (bits - 1 - i);
  return reversed;
}
