import assert from 'node:assert/strict';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const BEHIND = new URL('../../audit/run-behind.ts', import.meta.url).href;
const CODE = `
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { runBehind } from '${BEHIND}';
const nice = () => Number(readFileSync('/proc/thread-self/stat', 'utf8').replace(/.*\\) /, '').split(' ')[16]);
const before = nice();
runBehind();
parentPort.postMessage([before, nice()]);`;

test(
  'a thread that nobody waits for gives way to the one that serves',
  { skip: process.platform === 'linux' ? false : 'threads have no niceness of their own here' },
  async () => {
    const own = getPriority();
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(CODE)}`));
    const [[before, after]] = (await once(thread, 'message')) as [[number, number]];
    assert.equal(before, own);
    assert.equal(after, 19);
    assert.equal(getPriority(), own);
    await thread.terminate();
  },
);
