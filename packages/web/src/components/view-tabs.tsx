import { askedView, VIEWS } from "../views.js";
import { PlaceLink } from "./place-link.js";

/** The ways to look at one batch. */
export function ViewTabs() {
  const view = askedView.value;
  return (
    <nav class="tabs" aria-label="Views">
      {VIEWS.map(({ name, label }) => (
        <PlaceLink key={name} to={{ view: name }} aria-current={view === name ? "page" : undefined}>
          {label}
        </PlaceLink>
      ))}
    </nav>
  );
}
