import type { ComponentProps } from "preact";
import { go, hrefOf, isPlainClick, type Destination } from "../choices/routes.js";

interface RouteLinkProps extends Pick<
  ComponentProps<"a">,
  "class" | "title" | "aria-current" | "children" | "tabIndex"
> {
  to: Destination;
  "data-tone"?: string | undefined;
  "data-index"?: number | undefined;
}

/** A link within this page. A plain click does not load the page again. */
export function RouteLink({ to, ...rest }: RouteLinkProps) {
  return (
    <a
      {...rest}
      href={hrefOf(to)}
      onClick={(event) => {
        if (!isPlainClick(event)) return;
        event.preventDefault();
        go(to);
      }}
    />
  );
}
