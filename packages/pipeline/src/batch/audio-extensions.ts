import { FORMAT_EXTENSIONS } from "@cofi/recordings/formats";
import { RAW_EXTENSIONS } from "@cofi/recordings/raw-audio";

/** How the names of recordings end. Files with other names count when calls.csv names them. */
export const AUDIO_EXTENSIONS: ReadonlySet<string> = new Set(
  [...FORMAT_EXTENSIONS, ...RAW_EXTENSIONS].map((extension) => `.${extension}`),
);
