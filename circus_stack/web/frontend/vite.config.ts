// How the page is built. Addresses are relative, so that it works below any path of a proxy.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    // The policy of the console forbids data: addresses of scripts and styles; everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
