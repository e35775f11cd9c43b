import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { build } from 'vite';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'dist', 'console');
/** Beside it: who reads meanwhile finds one build or the other, never half of one. */
const made = `${target}-${process.pid}`;

try {
  await build({
    root: join(root, 'relay', 'console', 'page'),
    base: '/console/',
    configFile: false,
    logLevel: 'error',
    plugins: [react()],
    build: {
      outDir: made,
      emptyOutDir: true,
      target: ['chrome123', 'firefox120', 'safari17.5'],
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rolldownOptions: { input: join(root, 'relay', 'console', 'page', 'index.html') },
    },
  });
  await rm(target, { recursive: true, force: true });
  await rename(made, target);
} finally {
  await rm(made, { recursive: true, force: true });
}
