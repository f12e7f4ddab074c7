import { place } from "../choices/routes.js";
import { RouteLink } from "../shared/route-link.js";

/** Shows that the page is narrowed to one cause of errors, with a link that removes the filter. */
export function FocusBar() {
  const { view, filters } = place.value;
  const { cause } = filters;
  if (!cause || view === "batches") return null;
  const everything = { ...place.value, filters: { ...filters, cause: "" } };
  return (
    <p class="remark focus-bar" data-tone="busy" role="status" data-testid="focus">
      <span>
        Only the files with the error <strong>{cause}</strong>
      </span>
      <RouteLink class="button" to={everything}>
        Show all files
      </RouteLink>
    </p>
  );
}
