import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test, type TestContext } from 'node:test';
import { watchWakes, type WakeReason } from '../../../app/main/agent/wake-watch.ts';

const EVERY_MS = 5_000;

function address(text: string, internal = false): NetworkInterfaceInfo {
  const family = 'IPv4';
  return { address: text, internal, family, netmask: '255.255.255.0', mac: '', cidr: null };
}

/** A machine whose clocks and addresses the test moves; each step is one look of the watch. */
function machine(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: WakeReason[] = [];
  const state = {
    wallMs: 1_000_000,
    upMs: 500,
    interfaces: { lo: [address('127.0.0.1', true)], eth0: [address('10.0.0.7')] } as NodeJS.Dict<
      NetworkInterfaceInfo[]
    >,
  };
  const stop = watchWakes({
    everyMs: EVERY_MS,
    onWake: (reason) => told.push(reason),
    now: () => state.wallMs,
    uptime: () => state.upMs,
    interfaces: () => state.interfaces,
  });
  t.after(stop);
  const look = (wallMs = EVERY_MS, upMs = EVERY_MS): void => {
    state.wallMs += wallMs;
    state.upMs += upMs;
    t.mock.timers.tick(EVERY_MS);
  };
  return { told, state, look, stop };
}

test('a quiet machine, a busy one and a corrected clock wake nobody', (t) => {
  const { told, look } = machine(t);
  look();
  look(12_000, 12_000);
  look(EVERY_MS - 8_000, EVERY_MS);
  assert.deepEqual(told, []);
});

test('sleep is noticed once, whether the uptime stood still in it or not', (t) => {
  const { told, look } = machine(t);
  look(3_600_000, EVERY_MS);
  look();
  assert.deepEqual(told, ['slept']);
  look(3_600_000, 3_600_000);
  assert.deepEqual(told, ['slept', 'slept']);
});

test('a clock that was set back is noticed', (t) => {
  const { told, look } = machine(t);
  look(-86_400_000, EVERY_MS);
  assert.deepEqual(told, ['clock']);
});

test('another network is noticed, another order of the same addresses is not', (t) => {
  const { told, state, look } = machine(t);
  state.interfaces = { eth0: state.interfaces['eth0'], lo: state.interfaces['lo'] };
  look();
  assert.deepEqual(told, []);
  state.interfaces = { ...state.interfaces, eth0: [address('192.168.1.20')] };
  look();
  state.interfaces = { lo: state.interfaces['lo'] };
  look();
  assert.deepEqual(told, ['network', 'network']);
});

test('after its end it looks no more', (t) => {
  const { told, look, stop } = machine(t);
  stop();
  look(3_600_000, 3_600_000);
  assert.deepEqual(told, []);
});
