import { zoneName } from "../format.js";
import { theme, zone, type Theme } from "../preferences.js";
import { Icon } from "./icons.js";

const THEMES: readonly Theme[] = ["auto", "light", "dark"];

export function PreferenceControls() {
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const short = zoneName("local", new Date());
  const localName = local === short ? `${local} (local)` : `${local} (${short})`;
  const nextTheme = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  return (
    <div class="preferences">
      <select
        class="button quiet"
        aria-label="Time zone"
        value={zone.value}
        onChange={(event) => (zone.value = event.currentTarget.value === "utc" ? "utc" : "local")}
      >
        <option value="local">{localName}</option>
        <option value="utc">UTC</option>
      </select>
      <button
        type="button"
        class="button quiet square"
        aria-label={`Colours: ${theme.value}. Switch to ${nextTheme}`}
        title={`Colours: ${theme.value}`}
        onClick={() => (theme.value = nextTheme)}
        data-testid="theme"
      >
        <Icon name={theme.value} />
      </button>
    </div>
  );
}
