import { WAV_HEADER_BYTES, wavHeader } from "@cofi/recordings/wav-header";

/**
 * A mono recording as a RIFF/WAVE file with 16-bit PCM. Samples in -1…1; what is louder is clipped.
 */
export function encodeWav(samples: Float32Array, sampleRate: number): Buffer {
  const dataBytes = samples.length * 2;
  const wav = Buffer.concat([wavHeader(sampleRate, dataBytes), Buffer.alloc(dataBytes)]);
  for (const [i, sample] of samples.entries()) {
    wav.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32767), WAV_HEADER_BYTES + 2 * i);
  }
  return wav;
}
