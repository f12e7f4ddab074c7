/**
 * The frame of a pack: a signature over the whole zip, in its comment, which is the end of the file. So no byte of it can be changed unseen,
 * whichever part of a zip it belongs to.
 */

const BEFORE = "Cofi pack. Ed25519 signature of the SHA-256 of everything before this comment's length: ";
/** Characters of a signature in base64. */
const SIGNATURE = 88;
const COMMENT_BYTES = BEFORE.length + SIGNATURE;
/** With the length that stands before it. */
export const FRAME_BYTES = 2 + COMMENT_BYTES;

/** What is signed. @param sha256 lower-case hex */
export function framed(sha256: string): Buffer {
  return Buffer.from(`cofi pack ${sha256}`);
}

/** The end of a pack. */
export function frameOf(signature: Buffer): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt16LE(COMMENT_BYTES);
  frame.write(BEFORE + signature.toString("base64"), 2, "latin1");
  return frame;
}

/** The signature in the last {@link FRAME_BYTES} of a file; null when they are no frame. */
export function signatureIn(end: Buffer): Buffer | null {
  if (end.length !== FRAME_BYTES || end.readUInt16LE() !== COMMENT_BYTES) return null;
  const text = end.toString("latin1", 2);
  const signature = Buffer.from(text.slice(BEFORE.length), "base64");
  // Base64 has several texts for the same bytes.
  return text === BEFORE + signature.toString("base64") ? signature : null;
}
