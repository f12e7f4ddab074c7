// The part of the address after # names the open event. Servers never see it, so what leads back to the page has to carry it.
if (location.hash) {
  for (const element of document.querySelectorAll("form, a[data-openid]")) {
    const name = element.tagName === "FORM" ? "action" : "href";
    const url = new URL(element[name]);
    const next = url.searchParams.get("next") ?? "/";
    if (!next.includes("#")) url.searchParams.set("next", next + location.hash);
    element[name] = url.href;
  }
}
