import { afterEach, describe, expect, it, vi } from "vitest";
import { startEngine } from "@cofi/engines/engine";
import { checkTools, findAcousticModel, findProgram, missingToolsMessage } from "@cofi/engines/system-tools";
import { temporaryFolder } from "./support.js";

describe("system tools", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("finds installed tools", async () => {
    expect(await checkTools(["denoise", "ivr"])).toEqual({ missing: [] });
    expect(await findProgram("ffmpeg")).toMatch(/\/ffmpeg$/);
    expect(await checkTools("llm1")).toEqual({ missing: [] });
  });

  it("names each missing tool once, with the command that installs it", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    vi.stubEnv("COFI_POCKETSPHINX_MODEL", "/nonexistent");
    expect(await findProgram("ffmpeg")).toBeUndefined();
    expect(await findAcousticModel()).toBeUndefined();
    const { missing } = await checkTools(["denoise", "stt"]);
    expect(missing.map(({ tool }) => tool)).toEqual([
      "ffmpeg",
      "ffprobe",
      "pocketsphinx_batch",
      "the English acoustic model of pocketsphinx",
    ]);
    expect(missingToolsMessage(missing)).toMatch(
      /Not found on this system: ffmpeg, .*(sudo )?apt-get install -y --no-install-recommends ffmpeg pocketsphinx pocketsphinx-en-us$/,
    );
  });

  it("keeps an engine from starting work, with the command in its health", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    const folder = await temporaryFolder();
    const engine = await startEngine("denoise", { port: 0, filesDir: folder.path });
    await expect(engine.ready).rejects.toThrow(/apt-get install .*ffmpeg/);
    const health = await fetch(`${engine.url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: "failed", detail: expect.stringMatching(/ffmpeg/) });
    await engine.close();
    await folder.remove();
  });
});
