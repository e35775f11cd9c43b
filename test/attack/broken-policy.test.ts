import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { PolicyReport } from '../../app/main/agent/control/target.ts';
import { settingsCheck } from '../../app/main/doctor/settings.ts';
import type { CheckContext } from '../../app/main/doctor/check.ts';
import { loadSettings, saveSettings } from '../../app/main/agent/settings/settings.ts';
import type { Settings } from '../../app/main/agent/settings/settings.ts';
import { runCli } from '../support/cli.ts';
import { privateDir } from '../support/private-dir.ts';
import { startHeardRelay, startProfiles, type ProfileBench } from '../support/profile-bench.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** What a person who wants everything open has in their own settings. */
const openSettings = {
  guard: { otherUsers: true, requireToolKeys: false, allowedOrigins: ['https://evil.example.com'] },
  tokens: { store: 'sealed' },
  audit: { retentionDays: 1, export: true },
  signIn: { auto: true },
  network: { proxy: 'http://proxy.example.com:3128', caFile: '/evil.pem' },
  log: { level: 'debug' },
};

/** The values in whose place nothing is opened, shown or lost. */
const strict: Readonly<Record<string, unknown>> = {
  'guard.otherUsers': false,
  'guard.requireToolKeys': true,
  'guard.allowedOrigins': [],
  'tokens.store': 'memory',
  'audit.retentionDays': 3650,
  'audit.export': false,
  'signIn.auto': false,
  'network.proxy': 'not-understood://',
  'network.caFile': undefined,
};

interface Place {
  readonly dataDir: string;
  readonly policy: string;
  load(): Settings;
}

function place(t: TestContext, user: unknown = openSettings): Place {
  const dataDir = privateDir(t);
  const policy = join(dataDir, 'policy.json');
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(user));
  return {
    dataDir,
    policy,
    load: () => loadSettings({ dataDir, env: {}, systemPolicyPath: policy }),
  };
}

function assertLocked(settings: Settings, keys: readonly string[], why: string): void {
  for (const { key, value, locked, source } of settings.effective()) {
    if (!keys.includes(key)) continue;
    const expected = { key, value: strict[key], locked: true, source: 'fallback' };
    assert.deepEqual({ key, value, locked, source }, expected, why);
  }
}

/** What IT wrote, and how it came to be no policy. */
const good = JSON.stringify({ guard: { otherUsers: false, requireToolKeys: true } });
const unreadable: readonly (readonly [string, (path: string) => void])[] = [
  ['a trailing comma', (path) => writeFileSync(path, `${good.slice(0, -1)},}`)],
  ['nothing', (path) => writeFileSync(path, '')],
  ['half of it', (path) => writeFileSync(path, good.slice(0, 20))],
  ['a list', (path) => writeFileSync(path, `[${good}]`)],
  ['a text', (path) => writeFileSync(path, '"locked"')],
  ['null', (path) => writeFileSync(path, 'null')],
  ['UTF-16', (path) => writeFileSync(path, Buffer.from(good, 'utf16le'))],
  ['too much', (path) => writeFileSync(path, good.padEnd(1024 * 1024 + 1))],
  ['a directory', (path) => mkdirSync(path)],
  ['a link that leads nowhere', (path) => symlinkSync(`${path}.gone`, path)],
  ['a loop of links', (path) => symlinkSync(path, path)],
  ['a device', (path) => symlinkSync('/dev/zero', path)],
  ['a pipe without a writer', (path) => execFileSync('sh', ['-c', 'mkfifo "$0"', path])],
];

describe('a policy that cannot be read opens nothing', () => {
  for (const [what, make] of unreadable) {
    test(what, async (t) => {
      const { policy, load } = place(t);
      make(policy);
      const settings = load();
      assertLocked(settings, Object.keys(strict), what);
      assert.equal(settings.get('log.level'), 'debug', 'what is not safer in any way stays');
      assert.ok(settings.graveFault?.startsWith(`${policy}: `), settings.graveFault);
      assert.ok(settings.faults.includes(settings.graveFault ?? ''));
      const finding = await settingsCheck.run({ settings } as CheckContext);
      assert.equal(finding.outcome, 'fail');
      assert.ok(finding.detail.includes(policy));
      rmSync(policy, { recursive: true });
      const without = load();
      assert.ok(
        without.effective().every(({ locked }) => !locked),
        'no file is no policy',
      );
      assert.equal(without.get('guard.otherUsers'), true);
      assert.equal(without.graveFault, undefined);
    });
  }

  test('nobody may read it', { skip: isRoot && 'root reads everything' }, (t) => {
    const { policy, load } = place(t);
    writeFileSync(policy, good);
    chmodSync(policy, 0);
    assertLocked(load(), Object.keys(strict), 'no permission');
  });
});

/** What a file says twice, and how the fault names it. */
const twice: readonly (readonly [string, string])[] = [
  ['{"guard":{"requireToolKeys":true},"network":{},"guard":{"otherUsers":false}}', 'guard'],
  ['{"guard":{"requireToolKeys":true,"requireToolKeys":false}}', 'guard.requireToolKeys'],
  ['{"guard":{"otherUsers":false,"\\u006ftherUsers":true}}', 'guard.otherUsers'],
  ['{"guard":{"otherUsers":false},"guard.otherUsers":true}', 'guard.otherUsers'],
  ['{"relays":[{},{"url" : "a:\\"{[","url"\n:"b"}]}', 'relays[1].url'],
  ['\uFEFF{"x":[[],{"a":{"b":[1,2],"b":[]}}]}', 'x[1].a.b'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['{"network":{"http://a:pw@proxy":1,"http://a:pw@proxy":2}}', 'a member of network'],
  ['{"":1,"":2}', 'a member'],
];

describe('a member that is there twice opens nothing: nobody knows which one was meant', () => {
  for (const [text, member] of twice) {
    test(text, (t) => {
      const { dataDir, policy, load } = place(t);
      writeFileSync(policy, text);
      const settings = load();
      assertLocked(settings, Object.keys(strict), text);
      const fault = `${policy}: ${member} is there twice, and nobody can know which one was meant: remove one; `;
      assert.ok(settings.graveFault?.startsWith(fault), settings.graveFault);
      rmSync(policy);
      writeFileSync(join(dataDir, 'settings.json'), text);
      assert.equal(load().get('guard.requireToolKeys'), true);
      assert.throws(() => saveSettings(dataDir, {}), { code: 'bad_settings' });
    });
  }

  test('the same name in two places, or as a text, is no repetition', (t) => {
    const { policy, load } = place(t);
    const long = { note: '\\"guard":'.repeat(80_000) };
    for (const values of [
      { guard: { otherUsers: false }, tokens: { otherUsers: 1 }, otherUsers: {} },
      { guard: { otherUsers: false }, x: ['x', { x: 'x' }, { x: '"x":1,"x":2' }, '}', 'x'] },
      { guard: { otherUsers: false }, 'guard.requireToolKeys': true },
      { guard: { otherUsers: false }, ...long },
    ]) {
      writeFileSync(policy, JSON.stringify(values));
      const settings = load();
      assert.equal(settings.graveFault, undefined);
      const found = settings.effective().find(({ key }) => key === 'guard.otherUsers');
      assert.deepEqual([found?.value, found?.source], [false, 'policy']);
    }
  });
});

describe('a section of a policy that is no section locks each of its keys', () => {
  for (const bad of ['locked', 'x', '', null, 5, true, [], [{ otherUsers: false }]]) {
    for (const group of ['guard', 'tokens', 'audit', 'signIn', 'network']) {
      test(`${group}: ${JSON.stringify(bad)}`, (t) => {
        const { policy, load } = place(t);
        writeFileSync(policy, JSON.stringify({ [group]: bad }));
        const settings = load();
        const members = Object.keys(strict).filter((key) => key.startsWith(`${group}.`));
        assertLocked(settings, members, group);
        assert.match(settings.graveFault ?? '', new RegExp(`policy\\.json: ${group}: `, 'u'));
        const others = settings.effective().filter(({ key }) => !key.startsWith(`${group}.`));
        assert.ok(
          others.every(({ locked }) => !locked),
          'the other sections are as they were',
        );
      });
    }
  }

  test('one bad element of a list empties the list, and locks it', (t) => {
    const { policy, load } = place(t, {
      ...openSettings,
      relays: [{ name: 'e', url: 'http://localhost:1' }],
    });
    for (const origins of [
      ['https://good.example.com', 5],
      ['*'],
      'https://a.example.com',
      { 0: 'x' },
    ]) {
      writeFileSync(policy, JSON.stringify({ guard: { allowedOrigins: origins } }));
      assertLocked(load(), ['guard.allowedOrigins'], JSON.stringify(origins));
    }
    for (const relays of [[{ name: 'a', url: 'https://a.example.com' }, 'x'], {}, [[]], null]) {
      writeFileSync(policy, JSON.stringify({ relays }));
      const found = load()
        .effective()
        .find(({ key }) => key === 'relays');
      assert.deepEqual(found?.value, []);
      assert.equal(found.locked, true, 'the person’s own relay does not come back');
    }
  });
});

describe('settings of the person that cannot be read open nothing either', () => {
  test('what they kept shut stays shut, though nothing is locked', (t) => {
    const { dataDir, load } = place(t);
    for (const text of ['{"guard":{"requireToolKeys":true},}', '', '[]', '{"network"']) {
      writeFileSync(join(dataDir, 'settings.json'), text);
      const settings = load();
      for (const { key, value, locked, source } of settings.effective()) {
        assert.equal(locked, false);
        if (!(key in strict)) continue;
        assert.deepEqual([value, source], [strict[key], 'fallback'], key);
      }
      assert.match(settings.graveFault ?? '', /settings\.json: is not a JSON object/u);
    }
  });

  test('a bad section holds the safer values', (t) => {
    const { load } = place(t, { guard: 'on', tokens: ['memory'] });
    const settings = load();
    assert.equal(settings.get('guard.requireToolKeys'), true);
    assert.equal(settings.get('tokens.store'), 'memory');
    assert.equal(settings.get('signIn.auto'), true);
  });

  test('saving over them is refused: what they were to say would be lost', (t) => {
    const { dataDir } = place(t);
    const file = join(dataDir, 'settings.json');
    writeFileSync(file, '{"guard":{"requireToolKeys":true},}');
    assert.throws(() => saveSettings(dataDir, { relays: [] }), { code: 'bad_settings' });
  });
});

/** Asks as another user of this computer; the status of the answer. */
async function askAs(uid: number, url: string): Promise<string> {
  const script = `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});
    require('node:http').get(process.argv[1], (answer) => {
      process.stdout.write(String(answer.statusCode));
      answer.resume();
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, url]);
  return stdout;
}

describe('the running agent, started with a policy that broke', () => {
  async function startBroken(t: TestContext, text: string): Promise<ProfileBench & Place> {
    const relay = await startHeardRelay(t, 'acme');
    const user = { ...openSettings, network: {}, relays: [{ name: 'Acme', url: relay.url }] };
    const at = place(t, user);
    writeFileSync(at.policy, text);
    return {
      ...at,
      ...(await startProfiles(t, user, { dataDir: at.dataDir, settings: at.load() })),
    };
  }

  test('a tool without a key is refused, and the status says why', async (t) => {
    const { agent, authority, policy } = await startBroken(t, `${good.slice(0, -1)},}`);
    const answer = await fetch(`http://${authority}/billing`);
    assert.equal(answer.status, 403);
    assert.equal(((await answer.json()) as { code: string }).code, 'tool_key');
    const { fault } = agent.snapshot();
    assert.equal(fault?.code, 'bad_settings');
    assert.ok(fault.message.includes(policy), fault.message);
    assert.match(fault.message, /Correct that file, then restart Latchkey/u);
  });

  test('the fault goes before those that it is the cause of, and no sign-in ends it', async (t) => {
    const { agent } = await startBroken(t, '{"guard":"locked"}');
    await agent.refreshApis().catch(() => undefined);
    await agent.signOut();
    assert.match(agent.snapshot().fault?.message ?? '', /guard: is a text of 6 characters/u);
  });

  test(
    'another user of the computer is refused',
    { skip: (process.platform !== 'linux' || !isRoot) && 'only root can ask as another user' },
    async (t) => {
      for (const text of [`${good.slice(0, -1)},}`, '{"guard":"locked"}', '{"guard":null}']) {
        const { authority } = await startBroken(t, text);
        assert.equal(await askAs(NOBODY, `http://${authority}/.latchkey/status`), '403', text);
      }
      const relay = await startHeardRelay(t, 'open');
      const bench = await startProfiles(t, {
        ...openSettings,
        network: {},
        relays: [{ name: 'a', url: relay.url }],
      });
      const asked = await askAs(NOBODY, `http://${bench.authority}/.latchkey/status`);
      assert.equal(asked, '200', 'without a policy the person’s own setting lets them in');
    },
  );
});

test('latchkey policy shows what is locked, and the fault', async (t) => {
  const { dataDir, policy } = place(t);
  writeFileSync(policy, `${good.slice(0, -1)},}`);
  const env = { LATCHKEY_POLICY_FILE: policy };
  const { code, out } = await runCli(['policy', '--data-dir', dataDir, '--json'], env);
  assert.equal(code, 0);
  const { settings, faults } = JSON.parse(out) as PolicyReport;
  for (const { key, locked } of settings) assert.equal(locked, key in strict, key);
  assert.match(faults.join('\n'), /policy\.json: is not a JSON object; until that is corrected/u);
  const { out: shown } = await runCli(['policy', '--data-dir', dataDir], env);
  assert.match(shown, /^guard\.otherUsers +false +fallback, locked /mu);
});
