import { askedView, follow, hrefOf, VIEWS } from "../views.js";

/** The ways to look at one batch. */
export function ViewTabs() {
  const view = askedView.value;
  return (
    <nav class="tabs" aria-label="Views">
      {VIEWS.map(({ name, label }) => (
        <a
          key={name}
          href={hrefOf({ view: name })}
          aria-current={view === name ? "page" : undefined}
          onClick={(event) => follow(event, { view: name })}
        >
          {label}
        </a>
      ))}
    </nav>
  );
}
