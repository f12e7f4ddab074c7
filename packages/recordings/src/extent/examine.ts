import type { FileBytes } from "../file-bytes.js";
import { containerExtent } from "./containers.js";
import type { Extent } from "./extent.js";
import { framesExtent } from "./frames.js";
import { losslessExtent } from "./lossless.js";
import { mpegAudioExtent } from "./mpeg-audio.js";
import { oggExtent } from "./ogg.js";
import { riffExtent } from "./riff.js";
import { soundFileExtent } from "./sound-files.js";

const BY_MAGIC = [riffExtent, soundFileExtent, containerExtent, oggExtent, losslessExtent];

/**
 * Where the sound of a file ends, by its structure.
 * @param format as ffmpeg calls it; null where ffmpeg knows none
 * @returns null where nothing here knows the format: then only ffmpeg can say
 */
export async function examine(bytes: FileBytes, format: string | null): Promise<Extent | null> {
  for (const extentOf of BY_MAGIC) {
    const extent = await extentOf(bytes);
    if (extent !== null) return extent;
  }
  // Frames without a magic text are found in anything that holds them.
  if (format === null) return null;
  return format === "mp3" ? mpegAudioExtent(bytes) : framesExtent(bytes, format);
}
