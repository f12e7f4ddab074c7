import { Environment } from "@cofi/event-log/environment";
import { RAW_AUDIO_DEFAULTS, RAW_CODECS, type RawAudioSettings } from "@cofi/recordings/raw-audio";

/** How recordings without a header are read: `COFI_RAW_AUDIO_…`. @throws SettingsError */
export function rawAudioSettings(variables: NodeJS.ProcessEnv): RawAudioSettings {
  const env = new Environment(variables);
  const text = env.text("COFI_RAW_AUDIO_CODEC");
  const codec = RAW_CODECS.find((known) => known === text) ?? null;
  if (text !== undefined && codec === null) env.wrong("COFI_RAW_AUDIO_CODEC", `one of ${RAW_CODECS.join(", ")}`);
  const settings = {
    rate: env.wholeNumber("COFI_RAW_AUDIO_RATE", RAW_AUDIO_DEFAULTS.rate, 4_000, 384_000),
    channels: env.wholeNumber("COFI_RAW_AUDIO_CHANNELS", RAW_AUDIO_DEFAULTS.channels, 1, 32),
    codec,
  };
  env.check();
  return settings;
}
