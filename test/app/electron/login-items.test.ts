import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createLoginItems,
  createNoAutostart,
  type LoginItems,
  type LoginItemState,
} from '../../../app/main/electron/login-items.ts';

/** A system's list as Electron 45's documentation describes it; the real ones are not run here. */
function list(after: { readonly on: LoginItemState; readonly off: LoginItemState }) {
  const calls: string[] = [];
  let state = after.off;
  const items: LoginItems = {
    get: () => state,
    set(openAtLogin, args) {
      calls.push([openAtLogin, ...args].join(' '));
      state = openAtLogin ? after.on : after.off;
    },
  };
  return { items, calls, become: (next: LoginItemState) => (state = next) };
}

const args = ['"--hidden"'];

test('Windows: on, off, and switched off in Task Manager', () => {
  const { items, calls, become } = list({
    on: { openAtLogin: true, executableWillLaunchAtLogin: true },
    off: { openAtLogin: false, executableWillLaunchAtLogin: false },
  });
  const autostart = createLoginItems(items, 'win32', args);
  assert.deepEqual(autostart.read(), { kind: 'off' });
  autostart.enable();
  assert.deepEqual(autostart.read(), { kind: 'on' });
  become({ openAtLogin: true, executableWillLaunchAtLogin: false });
  assert.deepEqual(autostart.read(), {
    kind: 'disabled',
    where: 'Settings → Apps → Startup',
  });
  autostart.disable();
  assert.deepEqual(calls, ['true "--hidden"', 'false "--hidden"']);
});

test('macOS: on, off, and waiting for the person', () => {
  const { items, become } = list({
    on: { openAtLogin: true, status: 'enabled' },
    off: { openAtLogin: false, status: 'not-registered' },
  });
  const autostart = createLoginItems(items, 'darwin', []);
  autostart.enable();
  assert.deepEqual(autostart.read(), { kind: 'on' });
  become({ openAtLogin: false, status: 'requires-approval' });
  assert.equal(autostart.read().kind, 'disabled');
  autostart.disable();
  assert.deepEqual(autostart.read(), { kind: 'off' });
});

test('what the system passed over in silence is told, with where to look', () => {
  const approval = { openAtLogin: false, status: 'requires-approval' };
  const { items } = list({ on: approval, off: { openAtLogin: false, status: 'not-found' } });
  const autostart = createLoginItems(items, 'darwin', []);
  assert.throws(() => autostart.enable(), {
    code: 'bad_settings',
    message: /did not accept it\. Look at System Settings → General → Login Items/u,
  });
});

test('where there is no way, switching on says why', () => {
  const autostart = createNoAutostart('Only an installed Latchkey can start at login.');
  assert.deepEqual(autostart.read(), { kind: 'off' });
  autostart.disable();
  assert.throws(() => autostart.enable(), /Only an installed/u);
});
