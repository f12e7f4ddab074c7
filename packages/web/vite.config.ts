import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that a proxy may put the page in a folder.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    // The server's content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
