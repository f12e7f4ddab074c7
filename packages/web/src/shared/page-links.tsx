/** The way through a list that is shown page by page, newest first. */
import type { Destination } from "../choices/routes.js";
import { RouteLink } from "./route-link.js";

interface PageLinksProps {
  /** Whether a page before this one exists. */
  isLater: boolean;
  /** Where the next page begins; null on the last. */
  nextCursor: string | null;
  /** The page that begins at a cursor; the first one for "". */
  pageAt: (before: string) => Destination;
  older?: string;
}

export function PageLinks({ isLater, nextCursor, pageAt, older = "Older" }: PageLinksProps) {
  return (
    <p class="pages">
      {isLater && (
        <RouteLink class="button" to={pageAt("")}>
          Newest
        </RouteLink>
      )}
      {nextCursor !== null && (
        <RouteLink class="button" to={pageAt(nextCursor)}>
          {older}
        </RouteLink>
      )}
    </p>
  );
}
