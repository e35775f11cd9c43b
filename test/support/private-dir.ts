import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A data directory of mode 0700 that goes when the test ends. */
export function privateDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
