import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseDesktopEntry } from '../../../app/main/electron/desktop-entry.ts';
import {
  createXdgAutostart,
  lastingProgram,
  xdgAutostartFile,
  type XdgStart,
} from '../../../app/main/electron/xdg-autostart.ts';
import { privateDir } from '../../support/private-dir.ts';

function setUp(t: TestContext) {
  const home = privateDir(t);
  const file = xdgAutostartFile({ HOME: home });
  const at = (changes: Partial<XdgStart> = {}) =>
    createXdgAutostart({
      file,
      program: ['/opt/Latchkey/latchkey'],
      args: ['--hidden'],
      dataDir: join(home, 'Latchkey'),
      ...changes,
    });
  const edit = (from: string, to: string): void =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
  return { home, file, at, edit };
}

test('the entry lies where desktops look for it', () => {
  assert.equal(
    xdgAutostartFile({ XDG_CONFIG_HOME: '/x', HOME: '/home/ann' }),
    '/x/autostart/latchkey.desktop',
  );
  for (const ignored of [undefined, '', 'relative']) {
    assert.equal(
      xdgAutostartFile({ XDG_CONFIG_HOME: ignored, HOME: '/home/ann' }),
      '/home/ann/.config/autostart/latchkey.desktop',
    );
  }
});

test('switching on writes a whole entry and its folder; switching off removes it', (t) => {
  const { file, at } = setUp(t);
  const autostart = at();
  assert.deepEqual(autostart.read(), { kind: 'off' });
  autostart.disable();
  autostart.enable();
  autostart.enable();
  assert.deepEqual(autostart.read(), { kind: 'on' });
  assert.deepEqual(parseDesktopEntry(readFileSync(file, 'utf8')).command, [
    '/opt/Latchkey/latchkey',
    '--hidden',
  ]);
  assert.deepEqual(readdirSync(dirname(file)), ['latchkey.desktop'], 'no temporary file stays');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  autostart.disable();
  assert.deepEqual(autostart.read(), { kind: 'off' });
  assert.deepEqual(readdirSync(dirname(file)), []);
});

test('a program that lies elsewhere by now is noticed; own arguments are a person’s to add', (t) => {
  const { at, edit } = setUp(t);
  at().enable();
  edit('Exec=/opt/Latchkey/latchkey --hidden', 'Exec=/opt/Latchkey/latchkey --hidden --no-browser');
  assert.deepEqual(at().read(), { kind: 'on' });
  const image = at({ program: ['/home/ann/My Apps/latchkey.AppImage'] });
  assert.deepEqual(image.read(), { kind: 'moved' });
  image.enable();
  assert.deepEqual(image.read(), { kind: 'on' });
  const bare = at({ program: ['/opt/Latchkey/latchkey', '/src/main.cjs'] });
  assert.deepEqual(bare.read(), { kind: 'moved' });
});

test('an entry that a person switched off says so, until it is switched on again', (t) => {
  const { file, at, edit } = setUp(t);
  for (const [from, to] of [
    ['Terminal=false', 'Hidden=true'],
    ['X-GNOME-Autostart-enabled=true', 'X-GNOME-Autostart-enabled=false'],
  ] as const) {
    at().enable();
    edit(from, to);
    assert.deepEqual(at().read(), { kind: 'disabled', where: file });
    at().enable();
    assert.deepEqual(at().read(), { kind: 'on' });
  }
});

test('what is not ours is told apart, and is not removed', (t) => {
  const { file, at } = setUp(t);
  mkdirSync(dirname(file), { recursive: true });
  const theirs = '[Desktop Entry]\nType=Application\nExec=/opt/Latchkey/latchkey %U\n';
  writeFileSync(file, theirs);
  at().disable();
  assert.deepEqual(at().read(), { kind: 'foreign', where: file });
  // This is how a person masks an entry of the whole system.
  writeFileSync(file, `${theirs}Hidden=true\n`);
  at().disable();
  assert.deepEqual(at().read(), { kind: 'disabled', where: file });
  at({ dataDir: '/elsewhere' }).enable();
  at().disable();
  assert.deepEqual(at().read(), { kind: 'foreign', where: file });
});

test('what cannot be written or read is told with the file and the reason', (t) => {
  const { home, file, at } = setUp(t);
  mkdirSync(join(home, '.config'));
  writeFileSync(dirname(file), 'a file where a folder should be');
  const why = {
    code: 'bad_settings',
    message: /latchkey\.desktop cannot be \w+ \((ENOTDIR|EEXIST)\)/u,
  };
  assert.throws(() => at().enable(), why);
  assert.throws(() => at().read(), why);
  assert.throws(() => at().disable(), why);
});

test('paths that an entry cannot hold are refused by name', (t) => {
  const { at } = setUp(t);
  assert.throws(() => at({ program: ['/opt/a=b/latchkey'] }).enable(), /an = in it.*\/opt\/a=b\//u);
  const injected = '/home/ann\nExec=/tmp/evil';
  assert.throws(() => at({ dataDir: injected }).enable(), /control character/u);
  assert.throws(() => at({ args: [`--data-dir=${injected}`] }).enable(), /control character/u);
  assert.deepEqual(at().read(), { kind: 'off' });
});

test('an AppImage is started by its own file, not by where it is mounted', () => {
  const image = '/home/ann/latchkey.AppImage';
  const env = { APPIMAGE: image, APPDIR: '/tmp/.mount_latchX' };
  assert.equal(lastingProgram('/tmp/.mount_latchX/latchkey', env), image);
  assert.equal(lastingProgram('/opt/Latchkey/latchkey', {}), '/opt/Latchkey/latchkey');
  // Started from a terminal that is itself an AppImage.
  assert.equal(lastingProgram('/opt/Latchkey/latchkey', env), '/opt/Latchkey/latchkey');
  assert.equal(lastingProgram('/tmp/.mount_latchXY/latchkey', env), '/tmp/.mount_latchXY/latchkey');
});
