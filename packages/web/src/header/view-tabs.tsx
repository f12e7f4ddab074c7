import { askedView, VIEWS, type ViewName } from "../choices/routes.js";
import { may, who } from "../feed/session.js";
import { RouteLink } from "../shared/route-link.js";

/** The tabs of the views. */
export function ViewTabs() {
  const view = askedView.value;
  const isShown = (name: ViewName): boolean =>
    name !== "users" && (name !== "access" || who.value === null || may("readAll"));
  // Administrators get there from the access log.
  const current = view === "users" ? "access" : view;
  return (
    <nav class="tabs" aria-label="Views">
      {VIEWS.filter(({ name }) => isShown(name)).map(({ name, label }) => (
        <RouteLink key={name} to={{ view: name }} aria-current={current === name ? "page" : undefined}>
          {label}
        </RouteLink>
      ))}
    </nav>
  );
}
