/** Where the sound of a call is, for all parts of the page that follow it or move it. Seconds from the start of the recording. */
import { signal } from "@preact/signals";

/** So much is heard before the words that were asked for. */
const LEAD_S = 2;

export class Playback {
  /** Where it is; also before there is any sound. */
  readonly at = signal(0);
  readonly isPlaying = signal(false);
  /** null until the sound says it. */
  readonly seconds = signal<number | null>(null);
  #element: HTMLAudioElement | null = null;
  /** Where the next sound begins; null: where it is by itself. */
  #startAt: number | null = null;
  /** Whether it plays as soon as it is loaded. */
  #playsNext = true;
  /** Brings the sound, where it is not there yet and somebody wants to hear it. */
  bring: (() => void) | null = null;

  constructor(startAt: number | null) {
    this.#startAt = startAt;
    if (startAt !== null) this.at.value = startAt;
  }

  attach(element: HTMLAudioElement | null): void {
    this.#element = element;
  }

  /** The sound is known now. */
  loaded(): void {
    const element = this.#element;
    if (!element) return;
    this.seconds.value = Number.isFinite(element.duration) ? element.duration : null;
    if (this.#startAt !== null) element.currentTime = this.#startAt;
    this.#startAt = null;
    if (this.#playsNext) void this.play();
  }

  /** From the events of the element. */
  follow(): void {
    const element = this.#element;
    // Until it is known, it stands at 0.
    if (!element || this.#startAt !== null) return;
    this.at.value = element.currentTime;
    this.isPlaying.value = !element.paused;
  }

  moveTo(seconds: number): void {
    const to = Math.max(0, Math.min(seconds, this.seconds.peek() ?? seconds));
    this.at.value = to;
    if (this.#element && this.seconds.peek() !== null) this.#element.currentTime = to;
    else this.#startAt = to;
  }

  /** Plays from a little before. */
  async hear(seconds: number): Promise<void> {
    this.moveTo(seconds - LEAD_S);
    if (this.#element) await this.play();
    else this.bring?.();
  }

  async play(): Promise<void> {
    // A browser may want a click of its own first, and the controls of the element are there for it.
    await this.#element?.play().catch(() => undefined);
  }

  /** The element gets another sound: what it did it goes on with there. */
  exchange(): void {
    this.#playsNext = this.isPlaying.peek();
    this.#startAt = this.at.peek();
    this.seconds.value = null;
  }
}
