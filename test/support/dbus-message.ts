/** Messages of D-Bus, as far as tests need them: little-endian, with texts, numbers and lists of texts. https://dbus.freedesktop.org/doc/dbus-specification.html */

const TYPES = ["invalid", "call", "return", "error", "signal"] as const;
/** Codes and types of the header's fields. */
const FIELDS = {
  path: [1, "o"],
  interface: [2, "s"],
  member: [3, "s"],
  replySerial: [5, "u"],
  destination: [6, "s"],
  sender: [7, "s"],
  signature: [8, "g"],
} as const;
type Field = keyof typeof FIELDS;
type Value = string | number | readonly string[];

export interface Header extends Partial<Record<Exclude<Field, "replySerial">, string | undefined>> {
  type: (typeof TYPES)[number];
  replySerial?: number | undefined;
}

export interface Message extends Header {
  serial: number;
  body: Buffer;
  /** Bytes of all of it. */
  size: number;
}

/** The bytes of a message with these values, which its signature describes. */
export function bytesOf(header: Header, serial: number, values: readonly Value[]): Buffer {
  const body = new Writer();
  for (const value of values) body.value(value);
  const fields = new Writer();
  for (const [name, [code, type]] of Object.entries(FIELDS)) {
    const value = header[name as Field];
    if (value === undefined) continue;
    fields.align(8);
    fields.bytes(code);
    fields.signature(type);
    if (type === "g") fields.signature(String(value));
    else fields.value(value);
  }
  const head = new Writer();
  head.bytes(0x6c, TYPES.indexOf(header.type), 0, 1);
  for (const number of [body.length, serial, fields.length]) head.value(number);
  head.append(fields);
  head.align(8);
  head.append(body);
  return head.buffer;
}

/** The first message of what was received; null while it is not all there. */
export function messageOf(received: Buffer): Message | null {
  if (received.length < 16) return null;
  if (received[0] !== 0x6c) throw new Error("This machine's messages are not little-endian.");
  const fieldsEnd = 16 + received.readUInt32LE(12);
  const bodyAt = Math.ceil(fieldsEnd / 8) * 8;
  const size = bodyAt + received.readUInt32LE(4);
  if (received.length < size) return null;
  const reader = new MessageReader(received.subarray(0, fieldsEnd), 16);
  const names = new Map(Object.entries(FIELDS).map(([name, [code]]) => [code as number, name]));
  const fields: Record<string, string | number> = {};
  while (!reader.isAtEnd) {
    reader.align(8);
    const name = names.get(reader.byte());
    const type = reader.signature();
    const value = type === "g" ? reader.signature() : type === "u" ? reader.number() : reader.text();
    if (name !== undefined) fields[name] = value;
  }
  return {
    ...fields,
    type: TYPES[received[1] ?? 0] ?? "invalid",
    serial: received.readUInt32LE(8),
    body: received.subarray(bodyAt, size),
    size,
  };
}

class Writer {
  buffer = Buffer.alloc(0);

  get length(): number {
    return this.buffer.length;
  }

  bytes(...values: readonly number[]): void {
    this.buffer = Buffer.concat([this.buffer, Buffer.from(values)]);
  }

  append({ buffer }: Writer): void {
    this.buffer = Buffer.concat([this.buffer, buffer]);
  }

  align(to: number): void {
    while (this.length % to !== 0) this.bytes(0);
  }

  signature(types: string): void {
    this.bytes(types.length, ...Buffer.from(types), 0);
  }

  value(value: Value): void {
    this.align(4);
    if (typeof value === "number") {
      const four = Buffer.alloc(4);
      four.writeUInt32LE(value);
      this.bytes(...four);
    } else if (typeof value === "string") {
      const text = Buffer.from(value);
      this.value(text.length);
      this.bytes(...text, 0);
    } else {
      const list = new Writer();
      for (const entry of value) list.value(entry);
      this.value(list.length);
      this.append(list);
    }
  }
}

export class MessageReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  align(to: number): void {
    this.#at = Math.ceil(this.#at / to) * to;
  }

  byte(): number {
    return this.#buffer[this.#at++] ?? 0;
  }

  number(): number {
    this.align(4);
    this.#at += 4;
    return this.#buffer.readUInt32LE(this.#at - 4);
  }

  text(): string {
    const length = this.number();
    this.#at += length + 1;
    return this.#buffer.toString("utf8", this.#at - length - 1, this.#at - 1);
  }

  signature(): string {
    const length = this.byte();
    this.#at += length + 1;
    return this.#buffer.toString("latin1", this.#at - length - 1, this.#at - 1);
  }
}
