import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgentHost } from '../../app/main/agent-host.ts';
import type { AgentHostDeps } from '../../app/main/agent-host.ts';
import type { Agent } from '../../app/main/agent/agent-interface.ts';
import { AgentError } from '../../app/main/agent/errors.ts';
import { PERSON_GRACE_MS, SIGNAL_GRACE_MS } from '../../app/main/agent/grace.ts';
import type { AgentSnapshot } from '../../app/main/agent/status.ts';
import { readStartOptions } from '../../app/main/start-options.ts';

/** An agent without a port: only its starts and ends matter here. */
function agentNumber(number: number, log: string[], failing: boolean): Agent {
  const unused = (): never => assert.fail('not asked for');
  const snapshot: AgentSnapshot = {
    status: 'signed-out',
    apis: [],
    store: 'memory',
    version: String(number),
  };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  return {
    async start() {
      log.push(`start ${number}`);
      await pause();
      if (failing) throw new AgentError('port_in_use', 'taken');
    },
    snapshot: () => snapshot,
    onChange: () => () => void log.push(`unfollow ${number}`),
    onActivity: () => () => undefined,
    signIn: () => Promise.resolve(snapshot),
    wake: () => undefined,
    cancelSignIn: () => undefined,
    signOut: () => Promise.resolve(),
    refreshApis: () => Promise.resolve([]),
    activity: () => ({ records: [] }),
    profile: unused,
    profiles: unused,
    get keys() {
      return unused();
    },
    async close({ ms } = { ms: 0 }) {
      await pause();
      log.push(`close ${number}`, `grace ${ms}`);
    },
  };
}

function hostWith(
  log: string[],
  failing: readonly number[] = [],
): ReturnType<typeof createAgentHost> {
  let made = 0;
  const deps: AgentHostDeps = {
    make() {
      made += 1;
      return agentNumber(made, log, failing.includes(made));
    },
    onSnapshot: ({ version }) => log.push(`show ${version}`),
    onActivity: () => undefined,
    onError: (error) => log.push(`error ${error instanceof AgentError ? error.code : '?'}`),
  };
  return createAgentHost(deps);
}

test('two agents never run at once, however fast one asks', async () => {
  const log: string[] = [];
  const host = hostWith(log);
  await Promise.all([host.start(), host.restart(), host.restart(), host.close()]);
  const lives = log.filter((line) => /start|close/u.test(line));
  assert.deepEqual(lives, ['start 1', 'close 1', 'start 2', 'close 2', 'start 3', 'close 3']);
  await host.restart();
  assert.ok(!log.includes('start 4'), 'an agent was started after the end');
});

test('requests get the time that whoever ends the agent has: a person little, a signal more', async () => {
  const log: string[] = [];
  const host = hostWith(log);
  await host.start();
  await host.restart();
  await host.close({ ms: SIGNAL_GRACE_MS });
  const graces = log.filter((line) => line.startsWith('grace '));
  assert.deepEqual(graces, [`grace ${PERSON_GRACE_MS}`, `grace ${SIGNAL_GRACE_MS}`]);
});

test('a failed start is shown, and another one may follow', async () => {
  const log: string[] = [];
  const host = hostWith(log, [1]);
  assert.equal((await host.start()).version, '1');
  assert.deepEqual(log, ['start 1', 'error port_in_use', 'show 1']);
  assert.equal((await host.restart()).version, '2');
  await host.close();
});

test('a refused change leaves the running agent alone', async () => {
  const log: string[] = [];
  const host = hostWith(log);
  await host.start();
  const refusal = new AgentError('bad_settings', 'locked');
  await assert.rejects(
    host.restart(() => {
      throw refusal;
    }),
    refusal,
  );
  assert.ok(!log.includes('close 1'));
  await host.close();
});

test('the command line is read, and its mistakes are named', () => {
  assert.deepEqual(
    readStartOptions([
      '--no-sandbox',
      'app',
      '--relay=relay.example.com',
      '--port',
      '0',
      '--hidden',
      '--no-browser',
    ]),
    { relay: 'https://relay.example.com', port: 0, hidden: true, browser: false },
  );
  assert.deepEqual(readStartOptions(['--data-dir', '/tmp/x']), {
    dataDir: '/tmp/x',
    hidden: false,
    browser: true,
  });
  for (const args of [
    ['--port=x'],
    ['--port=70000'],
    ['--relay=http://far.example'],
    ['--relay'],
  ]) {
    assert.throws(() => readStartOptions(args), { code: 'bad_usage' }, args.join(' '));
  }
});
