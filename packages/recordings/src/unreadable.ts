/** A recording that cannot be used as it is, whatever machine reads it. The message says what was found in it. */
export class UnreadableRecording extends Error {
  override readonly name = "UnreadableRecording";
  /** `sound`: no sound can be decoded, or not all of it; `limit`: it is beyond a limit, and the message names which. */
  readonly kind: "sound" | "limit";

  constructor(kind: "sound" | "limit", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** No sound can be decoded, or the file is not whole. */
export function unreadable(message: string): UnreadableRecording {
  return new UnreadableRecording("sound", message);
}

/** What the file claims is beyond a limit. */
export function beyond(limit: string): UnreadableRecording {
  return new UnreadableRecording("limit", `Recordings are read with ${limit}.`);
}
