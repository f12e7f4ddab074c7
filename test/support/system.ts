/**
 * What the tests need beyond npm: found, or installed with apt-get when run as root, or named with the command to type.
 * Plain node runs this file's build as well as vitest its source, so it imports nothing but node.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
