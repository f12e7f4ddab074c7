import { askedView, VIEWS, type ViewName } from "../choices/routes.js";
import { may, who } from "../feed/session.js";
import { RouteLink } from "../shared/route-link.js";

/** The tabs of the views. */
export function ViewTabs() {
  const view = askedView.value;
  const isShown = (name: ViewName): boolean =>
    name !== "users" && name !== "trade" && (name !== "access" || who.value === null || may("readAll"));
  // Administrators get to the users from the access log; a trade is reached from the list.
  const current = view === "users" ? "access" : view === "trade" ? "trades" : view;
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
