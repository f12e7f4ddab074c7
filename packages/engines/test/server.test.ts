import { afterEach, describe, expect, it } from "vitest";
import { EngineProblem } from "@cofi/engines/problem";
import { createEngineServer, type EngineServer } from "@cofi/engines/server";
import type { StageEngine } from "@cofi/engines/stage-engine";
import { startEngine } from "@cofi/engines/engine";
import { post, temporaryFolder, until, type Problem } from "./support.js";

interface Gate {
  open(): void;
  passed: Promise<void>;
}

function gate(): Gate {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

async function failingLoad(): Promise<void> {
  throw new Error("the model file is missing");
}

const brokenProcess: StageEngine["process"] = async (body) => {
  if ((body as { bad?: boolean } | null)?.bad) {
    throw new EngineProblem(422, "unsupported-language", "No model for the language", "No model for xx.");
  }
  throw new TypeError("broke inside");
};

/** An engine that counts words, so that the server's own behaviour can be seen without audio. */
function wordCounter(overrides: Partial<StageEngine> = {}): StageEngine {
  return {
    stage: "count",
    engine: { name: "counter", version: "1", model: "none" },
    load: async () => undefined,
    process: async (body) => ({ words: String((body as { text: string }).text).split(" ").length }),
    close: async () => undefined,
    ...overrides,
  };
}

describe("engine server", () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  async function serve(engine: StageEngine, concurrency = 2): Promise<{ url: string; server: EngineServer }> {
    const folder = await temporaryFolder();
    const server = await createEngineServer({ engine, filesDir: folder.path, concurrency });
    cleanups.push(folder.remove, () => server.close());
    return { url: await server.listen("127.0.0.1", 0), server };
  }

  it("adds the engine and the time to the answer", async () => {
    const { url, server } = await serve(wordCounter());
    await server.ready();
    expect((await post(url, "/v1/count", { text: "one two three" })).body).toEqual({
      words: 3,
      engine: { name: "counter", version: "1", model: "none" },
      elapsed_ms: expect.any(Number),
    });
  });

  it("answers 503 until the engine is loaded", async () => {
    const loaded = gate();
    const { url, server } = await serve(wordCounter({ load: () => loaded.passed }));
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: "loading" });
    expect((await post<Problem>(url, "/v1/count", {})).body).toMatchObject({ status: 503, type: "loading" });
    loaded.open();
    await server.ready();
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it("keeps running and gives the reason when the engine cannot be loaded", async () => {
    const { url, server } = await serve(wordCounter({ load: failingLoad }));
    await expect(server.ready()).rejects.toThrow("the model file is missing");
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: "failed", detail: "the model file is missing" });
  });

  it("turns errors into problem documents and continues", async () => {
    const { url, server } = await serve(wordCounter({ process: brokenProcess }));
    await server.ready();
    const known = await post<Problem>(url, "/v1/count", { bad: true });
    expect(known.type).toMatch(/^application\/problem\+json/);
    expect(known).toMatchObject({
      status: 422,
      body: {
        type: "unsupported-language",
        title: "No model for the language",
        status: 422,
        detail: "No model for xx.",
      },
    });
    const unknown = await post<Problem>(url, "/v1/count", {});
    expect(unknown.body).toMatchObject({ status: 500, type: "engine-failed", detail: "broke inside" });
    expect((await post<Problem>(url, "/v1/count", "{broken")).body).toMatchObject({ status: 400, type: "bad-request" });
    expect((await post<Problem>(url, "/v1/other", {})).body).toMatchObject({ status: 404, type: "not-found" });
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it("runs as many jobs at once as it may, and all of them in the end", async () => {
    let running = 0;
    let most = 0;
    const full = gate();
    const process: StageEngine["process"] = async () => {
      most = Math.max(most, ++running);
      if (running === 3) full.open();
      await full.passed;
      running--;
      return {};
    };
    const { url, server } = await serve(wordCounter({ process }), 3);
    await server.ready();
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(url, "/v1/count", {})));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(most).toBe(3);
  });

  it("refuses a flood with 503 and a time to come back", async () => {
    const done = gate();
    const { url, server } = await serve(wordCounter({ process: () => done.passed.then(() => ({})) }), 1);
    await server.ready();
    const refused: Response[] = [];
    const requests = Array.from({ length: 100 }, async () => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/v1/count`, { method: "POST", headers, body: "{}" });
      if (response.status === 503) refused.push(response);
      return response.status;
    });
    // One runs, 64 wait.
    await until(() => refused.length === 35);
    done.open();
    expect((await Promise.all(requests)).filter((status) => status === 200)).toHaveLength(65);
    for (const response of refused) {
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await response.json()).toMatchObject({ type: "engine-busy" });
    }
  });

  it("does not start the job of a client that went away while it waited", async () => {
    const first = gate();
    const texts: string[] = [];
    const process: StageEngine["process"] = async (body) => {
      texts.push((body as { text: string }).text);
      if (texts.length === 1) await first.passed;
      return {};
    };
    const { url, server } = await serve(wordCounter({ process }), 1);
    await server.ready();
    const running = post(url, "/v1/count", { text: "runs" });
    await until(() => texts.length === 1);
    const impatient = new AbortController();
    const leaving = fetch(`${url}/v1/count`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "leaves" }),
      signal: impatient.signal,
    });
    const left = expect(leaving).rejects.toThrow();
    const staying = post(url, "/v1/count", { text: "stays" });
    // The server has no way to tell that it has read a request: a health check behind it is answered after that.
    await fetch(`${url}/health`);
    impatient.abort();
    await left;
    await fetch(`${url}/health`);
    first.open();
    expect((await running).status).toBe(200);
    expect((await staying).status).toBe(200);
    expect(texts.filter((text) => text !== "leaves")).toEqual(["runs", "stays"]);
  });

  it("tells the job that runs when its client goes away, and takes the next one", async () => {
    const begun = gate();
    const process: StageEngine["process"] = async (body, _files, gone) => {
      if ((body as { text: string }).text === "next") return {};
      begun.open();
      await new Promise((resolve) => gone.addEventListener("abort", resolve));
      throw gone.reason;
    };
    const { url, server } = await serve(wordCounter({ process }), 1);
    await server.ready();
    const client = new AbortController();
    const left = expect(
      fetch(`${url}/v1/count`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
        signal: client.signal,
      }),
    ).rejects.toThrow();
    await begun.passed;
    client.abort();
    await left;
    expect((await post(url, "/v1/count", { text: "next" })).status).toBe(200);
  });

  it("waits for work in flight when it closes, and closes twice", async () => {
    const working = gate();
    const order: string[] = [];
    let started = false;
    const engine = wordCounter({
      process: async () => {
        started = true;
        await working.passed;
        order.push("done");
        return {};
      },
      close: async () => void order.push("unloaded"),
    });
    const { url, server } = await serve(engine);
    await server.ready();
    const answer = post(url, "/v1/count", {});
    await until(() => started);
    const closing = Promise.all([server.close(), server.close()]);
    working.open();
    expect((await answer).status).toBe(200);
    await closing;
    expect(order).toEqual(["done", "unloaded"]);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  it("refuses a stage that has no engine", async () => {
    await expect(startEngine("triaging", { port: 0, filesDir: "unused" })).rejects.toThrow(
      /No engine for.*triaging.*denoise/,
    );
  });
});
