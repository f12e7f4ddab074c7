// Noise for measurements, the same in every run.
import { Random } from "@cofi/engines/random";

const FRAME = 160;

// Low rumble with a little hiss, as inside a car.
export function carNoise(length) {
  const random = new Random(5);
  let rumble = 0;
  let hiss = 0;
  return Float32Array.from({ length }, () => {
    rumble = 0.95 * rumble + 0.05 * gaussian(random);
    hiss = 0.7 * hiss + 0.3 * gaussian(random);
    return 2 * rumble + 0.3 * hiss;
  });
}

// Six people talking at once, from recordings of voices (8 kHz).
export function babbleNoise(length, voices) {
  const random = new Random(5);
  const noise = new Float32Array(length);
  for (let talker = 0; talker < 6; talker++) {
    for (let at = -random.between(0, 8000); at < length;) {
      const voice = random.pick(voices);
      const from = random.between(0, voice.length / 2);
      for (let i = 0; i < voice.length - from; i++)
        if (at + i >= 0 && at + i < length) noise[at + i] += voice[from + i];
      at += voice.length - from;
    }
  }
  return noise;
}

// The signal with the noise at this signal-to-noise ratio in dB; the signal's level is taken where it is not silent.
export function mixed(signal, noise, ratioDb) {
  let power = 0;
  let frames = 0;
  for (let at = 0; at + FRAME <= signal.length; at += FRAME) {
    const frame = meanPower(signal.subarray(at, at + FRAME));
    if (frame > 1e-4) {
      power += frame;
      frames += 1;
    }
  }
  const gain = Math.sqrt(power / Math.max(1, frames) / meanPower(noise)) / 10 ** (ratioDb / 20);
  return signal.map((sample, i) => sample + gain * noise[i]);
}

function meanPower(samples) {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

function gaussian(random) {
  return Math.sqrt(-2 * Math.log(random.next() + 1e-12)) * Math.cos(2 * Math.PI * random.next());
}
