// Before the first paint, so that a chosen look does not flash the other one. Chosen and stored in src/choices/preferences.ts.
try {
  document.documentElement.dataset.theme = localStorage.getItem("cofi.theme") ?? "auto";
} catch {
  // Storage is switched off: the look of the system stays.
}
