/** Length of the parts in which channels are compared, in seconds: a few pitch periods of any voice. */
const PART_S = 0.032;
/** A change of polarity takes so long, so that it does not click. */
const TURN_S = 0.008;
/** A sum with less than so much of the power of its louder part has lost most of it. */
const LOST = 0.5;

/**
 * One channel out of several, in which everybody is heard who is heard in one of them.
 *
 * Channels are added up. Where they cancel each other, as the two sides of a call in opposite phase do, one is turned: part by
 * part, because recorders with a hybrid have one party in phase and the other in opposite phase. Then the sum is brought to the
 * level of the loudest channel of the part, so that neither like channels get louder than one of them, nor the voice of a party
 * with a channel of its own gets softer. Levels are compared on the differences of neighbouring samples, in which neither hum
 * nor a constant offset counts for much.
 */
export class Mixer {
  /** Seconds in which a channel was turned. */
  turnedS = 0;
  readonly #channels: number;
  readonly #sampleRate: number;
  readonly #size: number;
  /** Interleaved samples of the part that is not full yet. */
  readonly #part: Float32Array<ArrayBuffer>;
  readonly #bytes: Buffer;
  #filled = 0;
  /** By channel: 1, or -1 for one that is turned; and the sample before the part. */
  readonly #polarity: Float64Array;
  readonly #before: Float64Array;
  /** Room for the differences of one channel, and of the sum so far. */
  readonly #own: Float64Array;
  readonly #sum: Float64Array;
  readonly #mix: Float32Array<ArrayBuffer>;
  #gain: number | null = null;
  readonly #take: (samples: Float32Array<ArrayBuffer>) => void | Promise<void>;

  /** `take` is given the samples of the mix, a part at a time, in memory that is used again for the next one. */
  constructor(
    channels: number,
    sampleRate: number,
    take: (samples: Float32Array<ArrayBuffer>) => void | Promise<void>,
  ) {
    this.#channels = channels;
    this.#sampleRate = sampleRate;
    // One channel has nothing to be compared with: larger parts are less work.
    this.#size = channels === 1 ? 16_384 : Math.round(PART_S * sampleRate);
    this.#part = new Float32Array(this.#size * channels);
    this.#bytes = Buffer.from(this.#part.buffer);
    this.#polarity = new Float64Array(channels).fill(1);
    this.#before = new Float64Array(channels);
    this.#own = new Float64Array(this.#size);
    this.#sum = new Float64Array(this.#size);
    this.#mix = new Float32Array(this.#size);
    this.#take = take;
  }

  /** Takes interleaved 32-bit samples in the byte order of the machine, cut anywhere. */
  async add(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.#bytes, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled < this.#bytes.length) continue;
      this.#filled = 0;
      const taken = this.#take(this.#mixed(this.#size));
      if (taken !== undefined) await taken;
    }
  }

  /** Gives what is left, when all has come. */
  async end(): Promise<void> {
    const samples = Math.floor(this.#filled / (Float32Array.BYTES_PER_ELEMENT * this.#channels));
    this.#filled = 0;
    if (samples > 0) await this.#take(this.#mixed(samples));
  }

  #mixed(length: number): Float32Array<ArrayBuffer> {
    if (this.#channels === 1) return this.#part.subarray(0, length);
    const before = this.#polarity.slice();
    const level = this.#compare(length);
    if (this.#polarity.includes(-1)) this.turnedS += length / this.#sampleRate;
    const mix = this.#mix.subarray(0, length);
    for (let channel = 0; channel < this.#channels; channel++) this.#addTo(mix, channel, before[channel] as number);
    this.#bringTo(mix, level);
    return mix;
  }

  /** Finds the polarity of each channel. @returns the gain that brings their sum to the level of the loudest; null in silence */
  #compare(length: number): number | null {
    const sum = this.#sum;
    let loudest = 0;
    let power = 0;
    for (let channel = 0; channel < this.#channels; channel++) {
      const own = channel === 0 ? sum : this.#own;
      const { ownPower, cross } = this.#readDifferences(own, channel, length);
      const before = this.#polarity[channel] as number;
      const together = power + 2 * before * cross + ownPower;
      const now = together < LOST * Math.max(power, ownPower) ? -before : before;
      this.#polarity[channel] = now;
      if (channel > 0 && channel + 1 < this.#channels)
        for (let i = 0; i < length; i++) sum[i] = (sum[i] as number) + now * (own[i] as number);
      power += 2 * now * cross + ownPower;
      loudest = Math.max(loudest, ownPower);
    }
    return power > 0 ? Math.min(1, Math.max(1 / this.#channels, Math.sqrt(loudest / power))) : null;
  }

  /** Reads the differences between the samples of a channel. @returns their power, and how much they have in common with the sum so far */
  #readDifferences(own: Float64Array, channel: number, length: number): { ownPower: number; cross: number } {
    const [part, sum, channels] = [this.#part, this.#sum, this.#channels];
    const isFirst = own === sum;
    let before = this.#before[channel] as number;
    let [ownPower, cross] = [0, 0];
    for (let i = 0, at = channel; i < length; i++, at += channels) {
      const sample = part[at] as number;
      const value = sample - before;
      before = sample;
      ownPower += value * value;
      if (!isFirst) cross += value * (sum[i] as number);
      own[i] = value;
    }
    this.#before[channel] = before;
    return { ownPower, cross };
  }

  #addTo(mix: Float32Array, channel: number, before: number): void {
    const [part, channels, length] = [this.#part, this.#channels, mix.length];
    if (channel === 0) {
      for (let i = 0, at = 0; i < length; i++, at += channels) mix[i] = part[at] as number;
      return;
    }
    const now = this.#polarity[channel] as number;
    const turn = before === now ? 0 : Math.min(length, Math.round(TURN_S * this.#sampleRate));
    for (let i = 0, at = channel; i < turn; i++, at += channels)
      mix[i] = (mix[i] as number) + (before + ((now - before) * i) / turn) * (part[at] as number);
    for (let i = turn, at = channel + turn * channels; i < length; i++, at += channels)
      mix[i] = (mix[i] as number) + now * (part[at] as number);
  }

  /** From the gain of the part before to that of this one. */
  #bringTo(mix: Float32Array, level: number | null): void {
    const before = this.#gain ?? level ?? 1;
    const now = level ?? before;
    const step = (now - before) / mix.length;
    const { length } = mix;
    if (step !== 0 || now !== 1) for (let i = 0; i < length; i++) mix[i] = (mix[i] as number) * (before + step * i);
    this.#gain = now;
  }
}
