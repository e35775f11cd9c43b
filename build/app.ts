import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectDir = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Builds main process, preload script and page when a source is newer than the bundle.
 *
 * @throws {Error} with the builder's output
 */
export async function buildApp(): Promise<void> {
  const sources = ['app', 'ui', 'wire', 'audit', 'electron.vite.config.ts'];
  const newest = Math.max(...sources.map((name) => newestChange(join(projectDir, name))));
  const built = ['dist/main/main.cjs', 'dist/preload/preload.cjs', 'dist/renderer/index.html'];
  const files = built.map((name) => join(projectDir, name));
  if (files.every((file) => existsSync(file) && statSync(file).mtimeMs > newest)) return;
  const script = join(projectDir, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, [script, 'build'], { cwd: projectDir, stdio: 'pipe' });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the app could not be built:\n${output}`));
    });
  });
}

function newestChange(path: string): number {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}
