/** Text that is JSON already, such as the body of a response: as a payload or response it is stored as it stands. */
export class JsonText {
  /** Must be valid JSON: whoever makes one has parsed it or written it. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Inside another value it is the value that it stands for. */
  toJSON(): unknown {
    return JSON.parse(this.text) as unknown;
  }
}
