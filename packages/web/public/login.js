// The part of the address after # names the open event. Servers never see it; browsers keep it through the log-in if the form's target has it.
const form = document.querySelector("form");
if (form) form.action += location.hash;
