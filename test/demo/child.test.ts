import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { freePorts, startChild, tetheredScript } from '../../demo/child.ts';
import { until } from '../support/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-child-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function script(name: string, source: string): string {
  const path = join(dir, name);
  writeFileSync(path, source);
  return path;
}

const idle = `console.log(JSON.stringify({ event: 'listening', pid: process.pid })); setInterval(() => {}, 1000);`;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const start = (path: string) =>
  startChild({ name: 'thing', command: process.execPath, args: tetheredScript(path, []) });

describe('a child of the demo', () => {
  it('tells its events and stops on request', async () => {
    const child = start(script('idle.ts', idle));
    const event = await child.event('listening', 60_000);
    assert.equal(event['pid'], child.process.pid);
    assert.deepEqual(await child.stop(), { code: null, signal: 'SIGTERM' });
    assert.equal(alive(Number(event['pid'])), false);
  });

  it('rejects with its last words when it ends before the event', async () => {
    const child = start(script('broken.ts', `console.error('no such file'); process.exit(3);`));
    await assert.rejects(
      child.event('listening', 60_000),
      /thing ended with exit code 3\nno such file/,
    );
  });

  it('rejects when the event does not come in time', async () => {
    const child = start(script('mute.ts', 'setInterval(() => {}, 1000);'));
    await assert.rejects(child.event('listening', 300), /did not say "listening" within 300 ms/);
    await child.stop();
  });

  it('dies with its parent, even when the parent is killed', async () => {
    const grandchild = script('grandchild.ts', idle);
    const parent = script(
      'parent.ts',
      `import { startChild, tetheredScript } from ${JSON.stringify(join(import.meta.dirname, '../../demo/child.ts'))};
       const child = startChild({ name: 'inner', command: process.execPath,
         args: tetheredScript(${JSON.stringify(grandchild)}, []) });
       console.log(JSON.stringify({ ...(await child.event('listening', 60_000)), event: 'ready' }));`,
    );
    const child = start(parent);
    const pid = Number((await child.event('ready', 60_000))['pid']);
    assert.equal(alive(pid), true);
    await child.stop('SIGKILL');
    await until('the grandchild is gone', () => !alive(pid));
  });

  it('finds free ports that differ', async () => {
    assert.equal(new Set(await freePorts(5)).size, 5);
  });
});
