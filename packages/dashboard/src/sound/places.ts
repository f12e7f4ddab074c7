/** Where recordings are looked for, and where copies to listen to are kept. */
import type { RawAudioSettings } from "@cofi/recordings/raw-audio";

export interface SoundPlaces {
  /** Of the copies, for each database and batch in a folder of its own; absolute. */
  folder: string;
  /** Where the engines of this installation keep their files; `place` is its name in the database. */
  files: { place: string; path: string };
  /** That engines ask for; undefined where there is none. */
  engineToken: string | undefined;
  /** How recordings without a header are read. */
  raw: RawAudioSettings;
}
