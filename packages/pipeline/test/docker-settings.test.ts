/** The settings of containers, read and refused. */
import { expect, test } from "vitest";
import { SettingsError } from "@cofi/event-log/environment";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";

test("settings that cannot be are refused by name", () => {
  expect(dockerSettings({})).toBeNull();
  expect(() => dockerSettings({ COFI_RUNTIME: "podman" })).toThrow(SettingsError);
  expect(() => dockerSettings({ COFI_RUNTIME: "docker", COFI_DOCKER_HOSTS: "http://x" })).toThrow(/COFI_DOCKER_HOSTS/);
  expect(() =>
    dockerSettings({ COFI_RUNTIME: "docker", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nowhere" }),
  ).toThrow(/DOCKER_CERT_PATH/);
  const limited = (env: NodeJS.ProcessEnv) => () =>
    dockerSettings({ COFI_RUNTIME: "docker", COFI_ENGINE_IMAGE: "x", ...env })?.image("stt").limits;
  expect(limited({})()).toEqual({ memoryMb: 8_192, cpus: null, pids: 1_024, tmpfs: ["/tmp"] });
  expect(limited({ COFI_ENGINE_CPUS: "2", COFI_ENGINE_STT_CPUS: "1.5" })()).toMatchObject({ cpus: 1.5 });
  for (const [name, value] of [
    ["COFI_ENGINE_STT_MEMORY_MB", "8 GB"],
    ["COFI_ENGINE_CPUS", "0"],
    ["COFI_ENGINE_PIDS", "1"],
    ["COFI_ENGINE_STT_TMPFS", "tmp"],
  ])
    expect(limited({ [name!]: value }), name).toThrow(new RegExp(`^${name} is `));
});
