import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test, type TestContext } from 'node:test';
import { createNames } from '../../../relay/upstream/names.ts';
import { createTargets } from '../../../relay/upstream/targets.ts';
import { getFrom, startAnswering, upstreamConfig } from './connected.ts';
import { until } from '../../support/until.ts';

const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: 4 }));

/** Two servers under one port, and a name that leads where the test says. */
async function bench(t: TestContext, first: () => Promise<LookupAddress[]>, resolveMs = 30) {
  const one = await startAnswering(t, { name: 'one', host: '127.0.0.1' });
  const two = await startAnswering(t, { name: 'two', host: '127.0.0.2', port: one.port });
  const zone = { answer: first, asked: 0 };
  const config = upstreamConfig([`http://api.test:${one.port}`]);
  const targets = createTargets(
    { ...config, balancing: { ...config.balancing, resolveMs } },
    {
      now: Date.now,
      resolve(hostname) {
        assert.equal(hostname, 'api.test');
        zone.asked += 1;
        return zone.answer();
      },
    },
  );
  targets.start();
  t.after(() => {
    targets.stop();
    targets.close();
  });
  const get = async (): Promise<string> => {
    const target = targets.take();
    assert.ok(target);
    const body = await getFrom(target);
    targets.release(target);
    return body;
  };
  const asks = async (): Promise<void> => {
    const before = zone.asked;
    await until('the name is asked for anew', () => zone.asked > before + 1);
  };
  return { zone, one, two, get, asks };
}

test('a name that moves is followed: its old connections are not used again', async (t) => {
  const { zone, get, one, asks } = await bench(t, () => Promise.resolve(at('127.0.0.1')));
  assert.deepEqual([await get(), await get()], ['one', 'one']);
  assert.equal(one.connections(), 1, 'a connection is kept');
  zone.answer = () => Promise.resolve(at('127.0.0.2'));
  await asks();
  assert.deepEqual([await get(), await get()], ['two', 'two']);
});

test('an address that is added costs no connection', async (t) => {
  const { zone, get, one, asks } = await bench(t, () => Promise.resolve(at('127.0.0.1')));
  await get();
  zone.answer = () => Promise.resolve(at('127.0.0.2', '127.0.0.1'));
  await asks();
  assert.equal(await get(), 'one');
  assert.equal(one.connections(), 1);
});

test('while a name cannot be resolved, the last good answer serves', async (t) => {
  const { zone, get, asks, one } = await bench(t, () => Promise.resolve(at('127.0.0.1')));
  await get();
  zone.answer = () => Promise.reject(Object.assign(new Error('away'), { code: 'EAI_AGAIN' }));
  await asks();
  assert.equal(await get(), 'one');
  zone.answer = () => Promise.resolve([]);
  await asks();
  assert.equal(await get(), 'one');
  assert.equal(one.connections(), 1);
});

test('a name that never resolved is asked for with each request, until it does', async (t) => {
  const away = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('away'), { code: 'ENOTFOUND' }));
  const { zone, get } = await bench(t, away, 60_000);
  assert.equal(await get(), 'ENOTFOUND');
  zone.answer = () => Promise.resolve(at('127.0.0.2'));
  assert.equal(await get(), 'two');
});

test('new connections are spread over all addresses; one that refuses is passed over', async (t) => {
  const both = (): Promise<LookupAddress[]> => Promise.resolve(at('127.0.0.1', '127.0.0.2'));
  const { get, one } = await bench(t, both, 60_000);
  const first = await Promise.all([get(), get(), get(), get()]);
  assert.deepEqual(first.toSorted(), ['one', 'one', 'two', 'two']);
  await one.stop();
  const later = await Promise.all(Array.from({ length: 6 }, get));
  assert.deepEqual(new Set(later.filter((body) => body !== 'ECONNRESET')), new Set(['two']));
});

test('many requests at once ask for the name once', async (t) => {
  let release = (): void => {};
  const held = new Promise<LookupAddress[]>((resolve) => {
    release = () => resolve(at('127.0.0.1'));
  });
  const { get, zone } = await bench(t, () => held, 60_000);
  const all = Promise.all(Array.from({ length: 10 }, get));
  release();
  assert.deepEqual(new Set(await all), new Set(['one']));
  assert.equal(zone.asked, 1);
});

test('names whose servers are away hold up two threads, no more; who asks twice is told once', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const names = createNames((hostname) => {
    asked.push(hostname);
    return new Promise((resolve) => {
      answers.push(() => resolve(at('127.0.0.1')));
    });
  });
  const all = Promise.all(['a', 'a', 'b', 'c', 'd'].map(names));
  for (const expected of [
    ['a', 'b'],
    ['a', 'b', 'c'],
    ['a', 'b', 'c', 'd'],
  ]) {
    await until('the next is asked for', () => asked.length === expected.length);
    assert.deepEqual(asked, expected);
    answers.shift()?.();
  }
  for (const answer of answers) answer();
  assert.equal((await all).length, 5);
  const again = names('a');
  await until('it is asked for anew', () => asked.length === 5);
  answers.at(-1)?.();
  await again;
});

test('the operating system knows this computer', async () => {
  const found = await createNames()('localhost');
  assert.ok(found.some(({ address }) => address === '127.0.0.1' || address === '::1'));
  await assert.rejects(createNames()('no-such-name.invalid'));
});
