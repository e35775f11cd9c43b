import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BalancingConfig } from '../../../relay/config/api-config.ts';
import { createNames } from '../../../relay/upstream/names.ts';
import type { UpstreamTarget } from '../../../relay/upstream/target.ts';
import { createTargets, type Targets } from '../../../relay/upstream/targets.ts';

const A = 'http://127.0.0.1:1';
const B = 'http://127.0.0.1:2';
const C = 'http://127.0.0.1:3';

/** Addresses under a clock that tests turn; nothing is connected to. */
function bench(upstreams: readonly string[], balancing: Partial<BalancingConfig> = {}) {
  const clock = { ms: 1_000_000 };
  const log: Record<string, unknown>[] = [];
  const make = (urls: readonly string[]): Targets =>
    createTargets(
      {
        name: 'x',
        upstreams: urls,
        request: {},
        balancing: {
          slowStartMs: 0,
          breakerFailures: 3,
          breakerOpenMs: 10_000,
          resolveMs: 30_000,
          ...balancing,
        },
      },
      {
        now: () => clock.ms,
        log: (event) => log.push(event),
        resolve: createNames(),
      },
    );
  const targets = make(upstreams);
  const take = (): UpstreamTarget => {
    const target = targets.take();
    assert.ok(target, 'an address may be asked');
    return target;
  };
  /** One whole exchange. */
  const exchange = (how: 'answered' | 'failed' | 'left', from = targets): string | undefined => {
    const target = from.take();
    if (target === undefined) return undefined;
    if (how === 'answered') from.answered(target);
    if (how === 'failed') from.failed(target, 'upstream_unreachable', true);
    from.release(target);
    return target.url;
  };
  return { clock, log, make, targets, take, exchange };
}

function shares(urls: readonly (string | undefined)[]): Record<string, number> {
  const count: Record<string, number> = {};
  for (const url of urls) count[String(url)] = (count[String(url)] ?? 0) + 1;
  return count;
}

describe('least connections', () => {
  test('equals are taken in turn', () => {
    const { exchange } = bench([A, B, C]);
    const taken = Array.from({ length: 300 }, () => exchange('answered'));
    assert.deepEqual(shares(taken), { [A]: 100, [B]: 100, [C]: 100 });
  });

  test('a busy address gets no more until the others are as busy', () => {
    const { take, targets } = bench([A, B]);
    const held = [take(), take(), take(), take()];
    assert.deepEqual(shares(held.map(({ url }) => url)), { [A]: 2, [B]: 2 });
    for (const target of held.filter(({ url }) => url === B)) targets.release(target);
    assert.deepEqual([take().url, take().url], [B, B], 'B has room again');
  });
});

describe('circuit', () => {
  test('opens after failures in a row, and only these', () => {
    const { exchange, log, targets } = bench([A]);
    exchange('failed');
    exchange('failed');
    exchange('answered');
    exchange('failed');
    exchange('failed');
    assert.equal(
      targets.conditions()[0]?.isUsed,
      true,
      'an answer between them began the count anew',
    );
    exchange('failed');
    assert.deepEqual(targets.conditions(), [
      { upstream: A, isDown: false, isUsed: false, problem: '3 failures in a row' },
    ]);
    assert.deepEqual(log, [
      { event: 'upstream_circuit_open', api: 'x', upstream: A, reason: 'upstream_unreachable' },
    ]);
  });

  test('failures that may be the requests own open it only when nothing was answered for a while', () => {
    const { clock, targets, take } = bench([A]);
    const fail = (): void => {
      const target = take();
      targets.failed(target, 'upstream_unreachable', false);
      targets.release(target);
    };
    for (let at = 0; at < 10; at++) fail();
    clock.ms += 999;
    fail();
    assert.equal(targets.conditions()[0]?.isUsed, true);
    clock.ms += 1;
    fail();
    assert.equal(targets.conditions()[0]?.isUsed, false);
  });

  test('what is open is left alone, then gets one trial at a time', () => {
    const { clock, take, targets } = bench([A, B]);
    for (let at = 0; at < 6; at++) {
      const target = take();
      if (target.url === A) targets.failed(target, 'upstream_timeout', true);
      targets.release(target);
    }
    clock.ms += 9_999;
    assert.deepEqual(shares(Array.from({ length: 4 }, () => take().url)), { [B]: 4 });
    clock.ms += 1;
    const trial = take();
    assert.equal(trial.url, A);
    assert.deepEqual([take().url, take().url], [B, B], 'one trial at a time');
    targets.failed(trial, 'upstream_timeout', true);
    targets.release(trial);
    clock.ms += 9_999;
    assert.equal(take().url, B, 'a failed trial begins the rest anew');
    clock.ms += 1;
    const second = take();
    targets.answered(second);
    targets.release(second);
    assert.deepEqual([take().url, take().url], [A, A], 'an answer closes it');
  });

  test('a trial whose client left is no trial', () => {
    const { clock, exchange } = bench([A, B]);
    for (let at = 0; at < 6; at++) exchange('failed');
    clock.ms += 10_000;
    assert.equal(exchange('left'), A);
    assert.equal(exchange('answered'), A);
  });

  test('the only address is tried each second, however long it should rest', () => {
    const { clock, exchange } = bench([A], { breakerOpenMs: 60_000 });
    for (let at = 0; at < 3; at++) exchange('failed');
    assert.equal(exchange('failed'), undefined);
    clock.ms += 999;
    assert.equal(exchange('failed'), undefined);
    clock.ms += 1;
    assert.equal(exchange('failed'), A);
    assert.equal(exchange('failed'), undefined);
    clock.ms += 1_000;
    assert.equal(exchange('answered'), A);
    assert.equal(exchange('answered'), A);
  });

  test('a trial that hangs keeps the only address from nobody longer than a second', () => {
    const { clock, take, exchange, targets } = bench([A]);
    for (let at = 0; at < 3; at++) exchange('failed');
    clock.ms += 1_000;
    take();
    assert.equal(targets.take(), undefined);
    clock.ms += 1_000;
    assert.equal(targets.take()?.url, A);
  });
});

describe('another try', () => {
  test('goes to an address that did not fail for this request', () => {
    const { take, targets } = bench([A, B, C]);
    const first = take();
    const second = targets.takeOther([first]);
    assert.ok(second && second !== first);
    const third = targets.takeOther([first, second]);
    assert.ok(third && third !== first && third !== second);
    assert.equal(targets.takeOther([first, second, third]), undefined);
  });
});

describe('slow start', () => {
  test('a recovered address takes on its share in a straight line', () => {
    const { clock, exchange, targets } = bench([A, B], { slowStartMs: 10_000, breakerFailures: 1 });
    let failed = targets.take();
    while (failed?.url !== A) {
      assert.ok(failed);
      targets.release(failed);
      failed = targets.take();
    }
    targets.failed(failed, 'upstream_unreachable', true);
    targets.release(failed);
    clock.ms += 10_000;
    assert.equal(exchange('answered'), A, 'the trial');
    const shareNow = (): number =>
      (shares(Array.from({ length: 1_000 }, () => exchange('answered')))[A] ?? 0) / 1_000;
    const measured: number[] = [];
    for (const partMs of [1_000, 4_000, 5_000]) {
      clock.ms += partMs;
      measured.push(shareNow());
    }
    // With shares of 0.1, 0.5 and 1 beside a full one.
    for (const [at, wanted] of [0.1 / 1.1, 0.5 / 1.5, 0.5].entries())
      assert.ok(Math.abs((measured[at] as number) - wanted) < 0.01, measured.join(' '));
  });

  test('so does an address that a reload added; the others keep theirs', () => {
    const { clock, exchange, make, targets } = bench([A, B], { slowStartMs: 10_000 });
    const next = make([A, B, C]);
    next.inherit(targets);
    clock.ms += 1_000;
    const taken = shares(Array.from({ length: 2_100 }, () => exchange('answered', next)));
    assert.ok(Math.abs((taken[C] ?? 0) - 100) <= 1, JSON.stringify(taken));
    assert.ok(Math.abs((taken[A] ?? 0) - (taken[B] ?? 0)) <= 1);
  });
});

test('another configuration begins with what is known of the addresses', () => {
  const { exchange, make, targets } = bench([A]);
  for (let at = 0; at < 3; at++) exchange('failed');
  const next = make([A, B]);
  next.inherit(targets);
  const taken = Array.from({ length: 10 }, () => exchange('answered', next));
  assert.deepEqual(shares(taken), { [B]: 10 });
});

test('addresses are told in the audit without a password that a URL may hold', () => {
  const { take } = bench(['https://user:secret@[::1]:8443/base/']);
  const { url, host, basePath } = take();
  assert.deepEqual([url, host, basePath], ['https://[::1]:8443/base', '[::1]:8443', '/base']);
});
