import { askedView, VIEWS } from "../choices/routes.js";
import { may, who } from "../feed/session.js";
import { RouteLink } from "../shared/route-link.js";

/** The tabs of the views. */
export function ViewTabs() {
  const view = askedView.value;
  return (
    <nav class="tabs" aria-label="Views">
      {VIEWS.filter(({ name }) => name !== "access" || who.value === null || may("readAll")).map(({ name, label }) => (
        <RouteLink key={name} to={{ view: name }} aria-current={view === name ? "page" : undefined}>
          {label}
        </RouteLink>
      ))}
    </nav>
  );
}
