import { useMemo } from "preact/hooks";
import type { LiveState } from "../feed/live-state.js";
import { zoneName } from "../text/format.js";
import { theme, THEMES, zone } from "../choices/preferences.js";
import { listedZones } from "../text/zones.js";
import { Icon } from "../shared/icons.js";
import { WhoIsIt } from "./who.js";

export function PreferenceControls({ state }: { state: LiveState }) {
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const short = zoneName("local", new Date());
  const localName = local === short ? `${local} (local)` : `${local} (${short})`;
  const others = useMemo(zoneOptions, []);
  const nextTheme = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  return (
    <div class="preferences">
      <select
        class="button quiet"
        aria-label="Time zone"
        value={zone.value}
        onChange={(event) => (zone.value = event.currentTarget.value)}
      >
        <option value="local">{localName}</option>
        <option value="utc">UTC</option>
        {others}
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
      <WhoIsIt state={state} />
    </div>
  );
}

function zoneOptions() {
  const names = listedZones();
  const chosen = zone.peek();
  // Another version of the page, or the browser before an update, may have stored a zone that is not listed.
  if (chosen !== "local" && chosen !== "utc" && !names.includes(chosen)) names.unshift(chosen);
  return (
    <optgroup label="All zones">
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </optgroup>
  );
}
