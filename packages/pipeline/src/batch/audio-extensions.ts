/** Extensions of recordings. */

/** Containers and codecs that ffmpeg demuxes and telephone recorders write. Other files count when calls.csv names them. */
export const AUDIO_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    "wav wave w64 rf64 mp3 mp2 mpga opus ogg oga ogx spx flac m4a m4b mp4 mov 3gp 3g2 aac adts ac3 eac3 wma asf webm mka mkv " +
    "amr awb gsm au snd aif aiff aifc caf ul ulaw mulaw al alaw pcm raw sln g722 g729 g726 vox wv ape tta avi ts mts dss ds2"
  )
    .split(" ")
    .map((extension) => `.${extension}`),
);
