/** A recording of a telephone: 8 kHz, mono, 16 bits, as long as is asked for. */
export function wavFile(seconds: number): Buffer<ArrayBuffer> {
  const samples = seconds * 8_000;
  const file = Buffer.alloc(44 + samples * 2);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8, "latin1");
  for (const [at, value] of [
    [16, 16],
    [24, 8_000],
    [28, 16_000],
    [40, samples * 2],
  ] as const)
    file.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    file.writeUInt16LE(value, at);
  file.write("data", 36, "latin1");
  for (let n = 0; n < samples; n++) file.writeInt16LE(Math.round(8_000 * Math.sin(n / 3)), 44 + 2 * n);
  return file;
}
