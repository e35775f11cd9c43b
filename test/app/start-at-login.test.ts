import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import { createXdgAutostart, xdgAutostartFile } from '../../app/main/electron/xdg-autostart.ts';
import { createStartAtLogin } from '../../app/main/start-at-login.ts';
import { privateDir } from '../support/private-dir.ts';

/** Real settings and a real entry in a folder of the test's own. */
function setUp(t: TestContext) {
  const dataDir = privateDir(t);
  const file = xdgAutostartFile({ XDG_CONFIG_HOME: join(dataDir, 'config') });
  const policyFile = join(dataDir, 'policy.json');
  const faults: unknown[] = [];
  const start = (program = '/opt/Latchkey/latchkey') =>
    createStartAtLogin({
      settings: () => loadSettings({ dataDir, env: {}, systemPolicyPath: policyFile }),
      autostart: createXdgAutostart({ file, program: [program], args: ['--hidden'], dataDir }),
      onFault: (error) => void faults.push(error),
    });
  const write = (path: string) => (launchAtLogin: unknown) =>
    writeFileSync(path, JSON.stringify({ launchAtLogin }), { mode: 0o600 });
  return {
    file,
    faults,
    start,
    user: write(join(dataDir, 'settings.json')),
    policy: write(policyFile),
    entry: () => readFileSync(file, 'utf8'),
    put(text: string) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
  };
}

const missing = { code: 'ENOENT' };
const hide = (text: string): string => `${text}Hidden=true\n`;
const own = '[Desktop Entry]\nType=Application\nExec=/opt/Latchkey/latchkey\n';

describe('start at login', () => {
  test('follows the person’s setting, and is off by default', (t) => {
    const { start, user, entry } = setUp(t);
    const login = start();
    login.settle();
    assert.throws(entry, missing);
    assert.deepEqual(login.view(), { isOn: false });
    user(true);
    login.settle();
    assert.match(entry(), /^Exec=\/opt\/Latchkey\/latchkey --hidden$/mu);
    assert.deepEqual(login.view(), { isOn: true });
    user(false);
    login.saved();
    assert.throws(entry, missing);
    assert.deepEqual(login.view(), { isOn: false });
  });

  test('follows IT’s policy over the person’s setting, and a bad policy is off', (t) => {
    const { start, user, policy, entry } = setUp(t);
    policy(true);
    user(false);
    start().settle();
    assert.deepEqual(start().view(), { isOn: true });
    policy('sometimes');
    user(true);
    start().settle();
    assert.throws(entry, missing);
  });

  test('follows the program when it has moved', (t) => {
    const { start, user, entry } = setUp(t);
    user(true);
    start('/tmp/old.AppImage').settle();
    start('/home/ann/new.AppImage').settle();
    assert.match(entry(), /^Exec=\/home\/ann\/new\.AppImage --hidden$/mu);
    user(false);
    start('/opt/Latchkey/latchkey').settle();
    assert.throws(entry, missing);
  });

  test('leaves what a person switched off elsewhere, shows it as off, until it is switched on here', (t) => {
    const { file, start, user, entry, put } = setUp(t);
    user(true);
    start().settle();
    const edited = hide(entry());
    put(edited);
    start().settle();
    assert.equal(entry(), edited);
    const view = start().view();
    assert.equal(view.isOn, false);
    assert.equal(view.note, `Switched off in ${file}. Switch it on here to undo that.`);
    start().saved();
    assert.deepEqual(start().view(), { isOn: true });
  });

  test('is switched on by IT’s policy whatever the person did to the entry', (t) => {
    const { start, policy, entry, put } = setUp(t);
    policy(true);
    start().settle();
    put(hide(entry()));
    start().settle();
    assert.deepEqual(start().view(), { isOn: true });
  });

  test('touches nobody else’s entry, unless the person switches it on here', (t) => {
    const { file, start, user, entry, put } = setUp(t);
    put(own);
    for (const value of [undefined, false, true]) {
      user(value);
      start().settle();
      assert.equal(entry(), own);
    }
    const view = start().view();
    assert.equal(view.isOn, false);
    assert.ok(view.note?.startsWith(`${file} is not from this Latchkey`), view.note);
    user(false);
    start().saved();
    assert.equal(entry(), own);
    user(true);
    start().saved();
    assert.deepEqual(start().view(), { isOn: true });
  });

  test('says why it could not be applied, and forgets that once it could', (t) => {
    const { file, faults, start, user } = setUp(t);
    mkdirSync(dirname(dirname(file)), { recursive: true });
    writeFileSync(dirname(file), 'a file where a folder should be');
    user(true);
    const login = start();
    login.saved();
    assert.equal(login.view().isOn, false);
    assert.match(login.view().note ?? '', /^Could not be applied: .*latchkey\.desktop cannot be/u);
    assert.ok(faults.length > 0);
    rmSync(dirname(file));
    login.saved();
    assert.deepEqual(login.view(), { isOn: true });
    rmSync(file);
    assert.match(login.view().note ?? '', /comes back when Latchkey starts again/u);
  });
});
