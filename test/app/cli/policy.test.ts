import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { maskAddress } from '../../../app/main/doctor/mask.ts';
import { runPolicy } from '../../../app/cli/policy-command.ts';

interface Told {
  readonly code: number;
  readonly out: string;
}

async function run(
  t: TestContext,
  files: { readonly user?: unknown; readonly policy?: unknown },
  ...args: string[]
): Promise<Told & { readonly policyFile: string; readonly userFile: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-policy-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [userFile, policyFile] = [join(dir, 'settings.json'), join(dir, 'policy.json')];
  if (files.user !== undefined) writeFileSync(userFile, JSON.stringify(files.user));
  if (files.policy !== undefined) writeFileSync(policyFile, JSON.stringify(files.policy));
  let out = '';
  const code = await runPolicy(['--data-dir', dir, ...args], {
    out: (text) => void (out += text),
    err: () => undefined,
    env: files.policy === undefined ? {} : { LATCHKEY_POLICY_FILE: policyFile },
  });
  return { code, out, policyFile, userFile };
}

interface Document {
  readonly managedBy?: Readonly<Record<string, unknown>>;
  readonly settings: readonly Readonly<Record<string, unknown>>[];
  readonly faults: readonly string[];
}

test('each setting has its value, who decided it, the file, and whether it is locked', async (t) => {
  const { code, out, policyFile, userFile } = await run(
    t,
    {
      user: { port: 6000, log: { level: 'debug' }, signIn: { auto: 'maybe' } },
      policy: { port: 7000 },
    },
    '--json',
  );
  assert.equal(code, 0);
  const { settings, faults } = JSON.parse(out) as Document;
  const of = (key: string) => settings.find((setting) => setting['key'] === key);
  assert.deepEqual(of('port'), {
    key: 'port',
    value: 7000,
    source: 'policy',
    file: policyFile,
    locked: true,
  });
  assert.deepEqual(of('log.level'), {
    key: 'log.level',
    value: 'debug',
    source: 'user',
    file: userFile,
    locked: false,
  });
  assert.equal(of('signIn.auto')?.['source'], 'fallback');
  assert.equal(of('signIn.auto')?.['value'], false);
  assert.deepEqual(of('signIn.waitSeconds'), {
    key: 'signIn.waitSeconds',
    value: 20,
    source: 'default',
    locked: false,
  });
  assert.equal(faults.length, 1);
});

test('people get aligned columns, and the faults at the end', async (t) => {
  const { out, policyFile } = await run(t, { user: { fly: true }, policy: { port: 7000 } });
  const [head = '', ...lines] = out.split('\n');
  const column = head.indexOf('SOURCE');
  const line = lines.find((it) => it.startsWith('port ')) ?? '';
  assert.equal(line.slice(column), `policy, locked  ${policyFile}`);
  assert.match(out, /\nFaults:\n {2}.*settings\.json: fly: is not a setting; it has no effect\n$/);
});

test('start at login has its effect, in an IT policy too', async (t) => {
  const { out } = await run(t, { user: { launchAtLogin: false }, policy: { launchAtLogin: true } });
  assert.match(out, /^launchAtLogin +true +policy, locked /mu);
  assert.doesNotMatch(out, /Faults/u);
});

test('the password of a proxy is not shown, however its address is written', async (t) => {
  const spellings = [
    'http://Helen:Sesame1@proxy.example.com:3128',
    'http:\\\\Helen:Sesame1@proxy.example.com:3128',
    'http:Helen:Sesame1@proxy.example.com:3128',
    'pac+https://Helen:Sesame1@proxy.example.com/x.pac',
    'http://Helen:Ses@ame1@proxy.example.com',
  ];
  for (const proxy of spellings) {
    for (const args of [[], ['--json']]) {
      const { out } = await run(t, { user: { network: { proxy } } }, ...args);
      assert.doesNotMatch(out, /Helen|Sesame1|ame1/, proxy);
      assert.match(out, /proxy\.example\.com|not-understood/, proxy);
    }
  }
});

test('for support the query and fragment of an address go, too', () => {
  const address = 'https://helen:x@updates.example.com/feed?sig=abcdef#part';
  const masked = maskAddress(address, { query: true });
  assert.equal(masked, 'https://***@updates.example.com/feed?***');
  assert.equal(maskAddress('relay', { query: true }), 'relay');
});

test('who manages this computer stands at the top, where IT’s policy says so', async (t) => {
  const managed = { name: 'Acme IT', help: 'https://it.example.com/help?form=latchkey' };
  const told = await run(t, { policy: { managedBy: managed } });
  assert.match(
    told.out,
    /^Managed by Acme IT\nHelp: https:\/\/it\.example\.com\/help\?form=latchkey\n\nSETTING /u,
  );
  assert.doesNotMatch(told.out, /Faults/u);
  const { out } = await run(t, { policy: { managedBy: managed } }, '--json');
  assert.deepEqual((JSON.parse(out) as Document).managedBy, managed);
  const nameless = await run(t, { policy: { managedBy: { help: 'Room 5' } } });
  assert.match(nameless.out, /^Managed by your IT department\nHelp: Room 5\n/u);
  const unmanaged = await run(t, { policy: { port: 7000 } }, '--json');
  assert.ok(!('managedBy' in (JSON.parse(unmanaged.out) as Document)));
});

test('a name of policy can neither move the cursor nor turn the line', async (t) => {
  const managedBy = { name: 'Acme\u001b[2J\nFaults: none\u202E', help: 'Room\u00075' };
  const { out } = await run(t, { policy: { managedBy } });
  assert.match(
    out,
    /^Managed by Acme\u{FFFD}\[2J\u{FFFD}Faults: none\u{FFFD}\nHelp: Room\u{FFFD}5\n/u,
  );
  for (const mark of ['\u001b', '\u0007', '\u202E']) assert.ok(!out.includes(mark));
});

test('an option that there is not is bad usage', async (t) => {
  await assert.rejects(run(t, {}, '--what'), { code: 'bad_usage' });
});
