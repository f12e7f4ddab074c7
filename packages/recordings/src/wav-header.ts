const SAMPLE_BYTES = 2;
/** Of {@link wavHeader}. */
export const WAV_HEADER_BYTES = 44;

/**
 * The head of a RIFF/WAVE file of one channel with 16-bit PCM (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications
 * 1.0", 1991). @param sampleRate in Hz @param dataBytes of the samples behind it
 */
export function wavHeader(sampleRate: number, dataBytes: number): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + dataBytes, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * SAMPLE_BYTES, 28);
  header.writeUInt16LE(SAMPLE_BYTES, 32);
  header.writeUInt16LE(8 * SAMPLE_BYTES, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
