import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';

/** A data directory of mode 0700 that goes when the test ends. */
export function privateDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** The name of a directory that does not exist yet, for the tests of one suite; it goes with the last of them. */
export function sharedDir(): () => string {
  let parent = '';
  before(() => {
    parent = mkdtempSync(join(tmpdir(), 'latchkey-shared-'));
  });
  after(() => rmSync(parent, { recursive: true, force: true, maxRetries: 10 }));
  return () => join(parent, 'audit');
}
