// Preloaded into a process: its clock stands still at COFI_TEST_CLOCK (epoch ms), while its timers go on.
const at = Number(process.env["COFI_TEST_CLOCK"]);

globalThis.Date = class extends Date {
  /** @param {[]} given */
  constructor(...given) {
    super(...(given.length === 0 ? /** @type {[]} */ (/** @type {unknown} */ ([at])) : given));
  }

  static now() {
    return at;
  }
};
