import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDesktopEntry, parseDesktopEntry } from '../../../app/main/electron/desktop-entry.ts';
import { inPath } from '../../../build/test-tools.ts';
import { eventually } from '../../support/electron.ts';

/** What the specification gives a meaning to, within quotes or without. */
const awkward = [
  'plain',
  '',
  ' spaces around ',
  'two words',
  'a "quoted" word',
  "it's",
  'back\\slash\\',
  '$HOME `id` $(id)',
  '100% %U %%',
  '<>~|&;*?#()',
  'Größe/日本',
  '--data-dir=/home/o\'neil & "co"/50% \\$x',
];

test('an entry is the one that the specification describes', () => {
  const text = formatDesktopEntry(['/opt/Latchkey/latchkey', '--hidden'], '/home/ann/.config/x');
  assert.equal(
    text,
    `[Desktop Entry]
Type=Application
Version=1.0
Name=Latchkey
Exec=/opt/Latchkey/latchkey --hidden
TryExec=/opt/Latchkey/latchkey
Icon=latchkey
Terminal=false
StartupNotify=false
X-GNOME-Autostart-enabled=true
X-Latchkey-DataDir=/home/ann/.config/x
`,
  );
});

test('quotes, backslashes, dollars and per cent signs are written as the specification says', () => {
  const exec = (argument: string): string | undefined =>
    /^Exec=\/p (.*)$/mu.exec(formatDesktopEntry(['/p', argument], '/d'))?.[1];
  assert.equal(exec('two words'), '"two words"');
  assert.equal(exec('say "x"'), String.raw`"say \\"x\\""`);
  // "To unambiguously represent a literal dollar sign in a quoted string": two backslashes; a backslash: four.
  assert.equal(exec('$x'), String.raw`"\\$x"`);
  assert.equal(exec('a\\b'), String.raw`"a\\\\b"`);
  assert.equal(exec('100%'), '100%%');
  assert.equal(exec(''), '""');
});

test('what was written is read back, whatever the paths are called', () => {
  const word = fc.oneof(
    fc.constantFrom(...awkward),
    fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text)),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), word, (command, dataDir) => {
      assert.deepEqual(parseDesktopEntry(formatDesktopEntry(command, dataDir)), {
        command,
        isEnabled: true,
        dataDir,
      });
    }),
  );
});

test('what people and desktops change is understood', () => {
  const written = formatDesktopEntry(['/p'], '/d');
  const isEnabled = (text: string): boolean => parseDesktopEntry(text).isEnabled;
  assert.equal(isEnabled(`${written}Hidden=true\n`), false);
  assert.equal(isEnabled(`${written}Hidden = true \r\n`), false);
  assert.equal(isEnabled(`${written}Hidden=false\n`), true);
  assert.equal(isEnabled(written.replace('enabled=true', 'enabled=false')), false);
  assert.equal(isEnabled(`${written}#Hidden=true\n`), true);
  assert.equal(isEnabled(`${written}[Desktop Action x]\nHidden=true\n`), true);
});

test('an entry of somebody else’s, or none at all, is not taken for ours', () => {
  const theirs = '[Desktop Entry]\nType=Application\nExec=/opt/Latchkey/latchkey %U\n';
  assert.deepEqual(parseDesktopEntry(theirs), {
    command: ['/opt/Latchkey/latchkey'],
    isEnabled: true,
  });
  assert.deepEqual(parseDesktopEntry('\0\0'), { command: [], isEnabled: true });
});

const noGio = process.platform !== 'linux' || (inPath('gio') ? false : 'gio (GLib) is missing');

test(
  'GLib, which many desktops start programs with, hands over the same arguments',
  { skip: noGio },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-entry $x "50%" '));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const [script, heard] = [join(dir, 'heard.cjs'), join(dir, 'heard.json')];
    writeFileSync(
      script,
      `const fs = require('node:fs');
     fs.writeFileSync(__dirname + '/part', JSON.stringify(process.argv.slice(2)));
     fs.renameSync(__dirname + '/part', __dirname + '/heard.json');`,
    );
    const entry = join(dir, 'latchkey.desktop');
    writeFileSync(entry, formatDesktopEntry([process.execPath, script, ...awkward], dir));
    execFileSync('gio', ['launch', entry], { stdio: 'pipe' });
    await eventually('the program', () => existsSync(heard) || undefined);
    assert.deepEqual(JSON.parse(readFileSync(heard, 'utf8')), awkward);
  },
);

const noValidator =
  process.platform !== 'linux' ||
  (inPath('desktop-file-validate') ? false : 'desktop-file-utils is missing');

test('desktop-file-validate has nothing to say', { skip: noValidator }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-entry-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const entry = join(dir, 'latchkey.desktop');
  writeFileSync(entry, formatDesktopEntry(['/opt/Latchkey/latchkey', ...awkward], dir));
  assert.equal(execFileSync('desktop-file-validate', [entry], { encoding: 'utf8' }), '');
});
