import type { Quote, SoundPeaks } from "@cofi/evidence/shapes";
import type { Playback } from "./playback.js";
import { position } from "../../text/format.js";

interface PeaksProps {
  /** null while they are being made. */
  peaks: SoundPeaks | null;
  seconds: number;
  quotes: readonly Quote[];
  playback: Playback;
}

const HEIGHT = 48;
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
};

/** The loudness of the call over its length, as a slider: arrow keys move by a second, Page Up and Page Down by ten. */
export function Peaks({ peaks, seconds, quotes, playback }: PeaksProps) {
  const at = Math.min(playback.at.value, seconds);
  const share = (time: number): string => `${seconds > 0 ? (time / seconds) * 100 : 0}%`;
  const move = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    playback.moveTo(playback.at.peek() + step);
  };
  return (
    <div class="peaks" aria-busy={peaks === null}>
      <svg viewBox={`0 0 ${peaks?.peaks.length ?? 1} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {peaks && <path d={peaks.peaks.map((peak, index) => bar(peak, index)).join("")} />}
      </svg>
      <div class="peaks-heard" style={{ inlineSize: share(at) }} aria-hidden="true" />
      {quotes.map(({ startS, endS, text }) => (
        <span
          key={`${startS} ${text}`}
          class="peaks-quote"
          style={{ insetInlineStart: share(startS), inlineSize: share(Math.max(0.3, endS - startS)) }}
          aria-hidden="true"
        />
      ))}
      <input
        type="range"
        min={0}
        max={seconds}
        step={0.01}
        value={at}
        aria-label="Position in the call"
        aria-valuetext={`${position(at)} of ${position(seconds)}`}
        onKeyDown={move}
        onInput={(event) => playback.moveTo(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** A line around the middle, so high as the sound was loud. */
function bar(peak: number, index: number): string {
  const half = Math.max(0.5, (peak / 255) * (HEIGHT / 2));
  return `M${index + 0.5} ${(HEIGHT / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
}
