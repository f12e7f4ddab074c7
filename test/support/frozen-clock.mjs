// Preloaded into a process: its clock stands still at COFI_TEST_CLOCK (epoch ms), while its timers go on.
const at = Number(process.env["COFI_TEST_CLOCK"]);

globalThis.Date = new Proxy(Date, {
  construct: (target, given) => Reflect.construct(target, given.length === 0 ? [at] : given),
  get: (target, name) => (name === "now" ? () => at : Reflect.get(target, name)),
});
