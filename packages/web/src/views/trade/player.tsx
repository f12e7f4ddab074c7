/** The sound of a call, with its peaks as a slider. Nothing of it is loaded before somebody asks for it. */
import type { CallPage, Quote, SoundAnswer, SoundName, SoundPeaks } from "@cofi/evidence/shapes";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { setFilters } from "../../choices/routes.js";
import { getJson, postJson } from "../../feed/api.js";
import { may, who } from "../../feed/session.js";
import { CopyButton } from "../../shared/copy-button.js";
import { Peaks } from "./peaks.js";
import { position } from "../../text/format.js";
import type { Playback } from "./playback.js";

interface PlayerProps {
  /** Of the call in the API. */
  path: string;
  call: CallPage;
  reason: string | null;
  quotes: readonly Quote[];
  playback: Playback;
}

/** Lengths that differ by more are another length, in seconds. */
const LENGTH_S = 0.05;

const SOUNDS: readonly (readonly [SoundName, string])[] = [
  ["original", "Original"],
  ["denoised", "Denoised"],
];

export function Player({ path, call, reason, quotes, playback }: PlayerProps) {
  const answer = useSignal<SoundAnswer | null>(null);
  const peaks = useSignal<SoundPeaks | null>(null);
  const sound = useSignal<SoundName>("original");
  const version = useSignal(0);
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);

  const readPeaks = async (ticket: string): Promise<void> => {
    const query = new URLSearchParams({ ticket, sound: sound.peek() });
    peaks.value = await getJson<SoundPeaks>(`${path}/peaks?${query}`, left.current.signal);
    // It turned out to be longer or shorter than it had said while it was being decoded.
    const loaded = playback.seconds.peek();
    if (loaded !== null && Math.abs(loaded - peaks.value.seconds) > LENGTH_S) reload();
  };
  /** The access log has the entry before the first byte of sound comes. */
  const open = async (): Promise<void> => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    problem.value = "";
    try {
      const { signal } = left.current;
      const given = await postJson<SoundAnswer>(`${path}/play`, reason === null ? {} : { reason }, signal);
      answer.value = given;
      await readPeaks(given.ticket);
    } catch (error) {
      if (!left.current.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  const reload = (): void => {
    playback.exchange();
    version.value += 1;
  };
  const choose = (name: SoundName): void => {
    if (name === sound.peek()) return;
    playback.exchange();
    sound.value = name;
    // What is shown of the other sound is good enough where these peaks do not come.
    if (answer.peek()) readPeaks(answer.peek()!.ticket).catch(() => undefined);
  };

  const given = answer.value;
  // Whoever was shown the contents with a reason hears the sound with the same one.
  const isAllowed = may("contents") && (reason !== null || who.value?.way === "local");
  useEffect(() => {
    playback.bring = isAllowed && given === null ? () => void open() : null;
  });
  return (
    <div class="player" data-testid="player">
      {given === null ? (
        <p>
          {isAllowed ? (
            <button type="button" class="button" aria-disabled={isBusy} onClick={() => void open()}>
              Listen
            </button>
          ) : (
            <span class="soft">
              {may("contents") ? "Show the contents with a reason to listen." : "Your role does not let you listen."}
            </span>
          )}
        </p>
      ) : (
        <>
          {given.same === false && (
            <p class="remark" data-tone="bad" role="alert">
              This is another recording than the one that was processed: its SHA-256 is not the same.
            </p>
          )}
          {given.same === null && (
            <p class="remark" data-tone="warn">
              Whether this is the recording that was processed is not known: the log does not hold its SHA-256.
            </p>
          )}
          <audio
            ref={(element) => playback.attach(element)}
            key={version.value}
            src={`${path}/sound?${new URLSearchParams({ ticket: given.ticket, sound: sound.value })}`}
            controls
            preload="auto"
            onLoadedMetadata={() => playback.loaded()}
            onTimeUpdate={() => playback.follow()}
            onSeeking={() => playback.follow()}
            onPlay={() => playback.follow()}
            onPause={() => playback.follow()}
            onError={() => (problem.value = "The sound cannot be played. The dashboard's log has the cause.")}
          />
          <Peaks
            peaks={peaks.value}
            seconds={peaks.value?.seconds ?? call.durationS}
            quotes={quotes}
            playback={playback}
          />
          <div class="toolbar player-tools">
            {given.sounds.length > 1 && (
              <fieldset class="sounds">
                <legend class="unseen">Sound</legend>
                {SOUNDS.filter(([name]) => given.sounds.includes(name)).map(([name, word]) => (
                  <label key={name}>
                    <input type="radio" name="sound" checked={sound.value === name} onChange={() => choose(name)} />
                    {word}
                  </label>
                ))}
              </fieldset>
            )}
            <Position playback={playback} />
            <span class="soft">
              <kbd>N</kbd> next quote, <kbd>P</kbd> the one before
            </span>
          </div>
        </>
      )}
      {problem.value !== "" && (
        <p class="remark" data-tone="bad" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

/** Where it is, and a link to there. */
function Position({ playback }: { playback: Playback }) {
  return (
    <>
      <span class="position" data-testid="position">
        {position(playback.at.value)}
      </span>
      <CopyButton
        what="link to this position"
        wide
        text={() => {
          setFilters({ at: playback.at.peek().toFixed(2) }, true);
          return location.href;
        }}
      />
    </>
  );
}
