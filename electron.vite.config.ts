import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const here = import.meta.dirname;

/** Stay outside of the bundles: the runtime itself, and the one dependency with native code. */
const external = ['electron', 'better-sqlite3', /^node:/u];

export default defineConfig({
  main: {
    build: {
      outDir: 'dist/main',
      emptyOutDir: true,
      target: 'node20',
      externalizeDeps: false,
      rolldownOptions: {
        input: {
          main: resolve(here, 'app/main/main.ts'),
          // Threads are started by their file (`audit/thread-file.ts`).
          'log-copier-thread': resolve(here, 'audit/log-copier-thread.ts'),
        },
        external,
        output: { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'dist/preload',
      emptyOutDir: true,
      target: 'node20',
      externalizeDeps: false,
      rolldownOptions: {
        input: resolve(here, 'app/main/electron/preload.ts'),
        external: ['electron'],
        // A sandboxed preload script is one CommonJS file.
        output: { format: 'cjs', entryFileNames: 'preload.cjs', codeSplitting: false },
      },
    },
  },
  renderer: {
    root: resolve(here, 'app/renderer'),
    plugins: [react()],
    build: {
      outDir: resolve(here, 'dist/renderer'),
      emptyOutDir: true,
      target: 'chrome130',
      minify: true,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rolldownOptions: { input: resolve(here, 'app/renderer/index.html') },
    },
  },
});
