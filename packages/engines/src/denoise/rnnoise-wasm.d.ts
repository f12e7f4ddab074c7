declare module "@echogarden/rnnoise-wasm" {
  /** What of the Emscripten module is used here; pointers are byte addresses in its memory. */
  interface RnnoiseModule {
    readonly HEAPF32: Float32Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _rnnoise_create(model: number): number;
    _rnnoise_destroy(state: number): void;
    /** Denoises one frame of 480 samples; returns the probability of speech. */
    _rnnoise_process_frame(state: number, output: number, input: number): number;
  }
  export default function createModule(): Promise<RnnoiseModule>;
}
