/** Of `index.markup`: one text, whose hash the page's policy names. It plays what is clicked, and marks what is heard. */
export const SCRIPT = `
"use strict";
for (const call of document.querySelectorAll("[data-call]")) {
  const sound = call.querySelector("audio");
  const spoken = [...call.querySelectorAll("li[data-from]")];
  if (!sound) continue;
  call.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-at]");
    if (!button) return;
    sound.currentTime = Math.max(0, Number(button.dataset.at) - 2);
    void sound.play().catch(() => undefined);
  });
  sound.addEventListener("timeupdate", () => {
    for (const line of spoken) {
      const isHeard = Number(line.dataset.from) <= sound.currentTime && sound.currentTime < Number(line.dataset.to);
      if (isHeard) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  });
  const silent = call.querySelector("[data-silent]");
  sound.addEventListener("error", () => { silent.hidden = false; });
}
`;
