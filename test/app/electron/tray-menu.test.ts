import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AgentSnapshot, AgentStatus } from '../../../app/main/agent/status.ts';
import { trayMenu, trayTooltip, worstStatus } from '../../../app/main/electron/tray-menu.ts';
import type { TrayEntry } from '../../../app/main/electron/tray-menu.ts';

const base: AgentSnapshot = {
  status: 'signed-out',
  relay: 'https://relay.example.com',
  localUrl: 'http://localhost:5390',
  apis: [],
  store: 'sealed',
  version: '1.0.0',
};
const statuses: readonly AgentStatus[] = [
  'signed-out',
  'signing-in',
  'ready',
  'offline',
  'expired',
];

const labels = (entries: readonly TrayEntry[]): readonly string[] =>
  entries.flatMap((entry) => {
    if (entry.kind === 'separator') return [];
    return entry.kind === 'submenu' ? [entry.label, ...labels(entry.entries)] : [entry.label];
  });

test('each state offers its own way on, and always the window and the way out', () => {
  const expected: Readonly<Record<AgentStatus, readonly string[]>> = {
    'signed-out': ['Sign in'],
    'signing-in': ['Cancel sign-in'],
    ready: ['Sign out'],
    offline: ['Sign out'],
    expired: ['Sign in', 'Sign out'],
  };
  const tooltips = new Set<string>();
  for (const status of statuses) {
    const [, ...rest] = labels(trayMenu({ ...base, status }));
    assert.deepEqual(rest, [...expected[status], 'Open Latchkey', 'Quit']);
    tooltips.add(trayTooltip({ ...base, status }));
  }
  assert.equal(tooltips.size, statuses.length);
});

test('without a relay the menu leads to the window', () => {
  const { relay, ...unset } = base;
  assert.equal(relay, base.relay);
  const entry = trayMenu(unset).find((line) => line.kind === 'item');
  assert.deepEqual(entry, {
    kind: 'item',
    label: 'Set the relay’s address…',
    action: { kind: 'open' },
  });
});

test('each API can be copied as URL and as curl', () => {
  const menu = trayMenu({
    ...base,
    status: 'ready',
    user: { subject: 'u1', name: 'Alice' },
    apis: [
      {
        name: 'billing',
        title: 'Billing & more',
        path: '/billing',
        hosts: [],
        rules: [],
        localUrl: 'http://localhost:5390/billing',
      },
    ],
  });
  assert.ok(labels(menu).includes('Ready: Alice'));
  const submenu = menu.find((line) => line.kind === 'submenu');
  assert.ok(submenu?.kind === 'submenu');
  assert.equal(submenu.label, 'Billing & more');
  assert.deepEqual(
    submenu.entries.flatMap((line) => (line.kind === 'item' ? [line.action] : [])),
    [
      { kind: 'copy', api: 'billing', what: 'url' },
      { kind: 'copy', api: 'billing', what: 'curl' },
    ],
  );
});

test('a fault is told in one short line; without a port there is a retry', () => {
  const message = `Port 5390 is taken\nby another program. ${'x'.repeat(200)}`;
  const fault = { code: 'port_in_use', message, atMs: 0 } as const;
  const { localUrl, ...closed } = base;
  assert.equal(localUrl, base.localUrl);
  assert.ok(!labels(trayMenu({ ...base, fault })).includes('Try again'));
  const shown = labels(trayMenu({ ...closed, fault }));
  assert.ok(shown.includes('Try again'));
  assert.ok(shown.every((label) => label.length <= 60 && !label.includes('\n')));
  assert.match(trayTooltip({ ...closed, fault }), /Port 5390 is taken by another/u);
});

test('with several profiles each has a submenu with actions of its own; the icon shows who needs a person', () => {
  const { version, ...common } = base;
  const api = {
    name: 'billing',
    title: 'Billing',
    path: '/billing',
    hosts: [],
    rules: [],
    localUrl: 'http://localhost:5390/acme/billing',
  };
  const profiles = [
    { ...common, name: 'acme', title: 'Acme', status: 'ready', apis: [api] },
    { ...common, name: 'globex', title: 'Globex', status: 'expired' },
  ] as const;
  const snapshot: AgentSnapshot = { ...base, status: 'ready', version, profiles };
  const menu = trayMenu(snapshot);
  const [acme, globex] = menu.flatMap((line) => (line.kind === 'submenu' ? [line] : []));
  assert.deepEqual(
    [acme?.label, globex?.label],
    ['Acme: Ready', 'Globex: Session expired: sign in again'],
  );
  const actions = (entries: readonly TrayEntry[] = []): readonly unknown[] =>
    entries.flatMap((entry) => {
      if (entry.kind === 'item') return [entry.action];
      return entry.kind === 'submenu' ? actions(entry.entries) : [];
    });
  assert.deepEqual(actions(acme?.entries), [
    { kind: 'sign-out', profile: 'acme' },
    { kind: 'copy', api: 'billing', what: 'url', profile: 'acme' },
    { kind: 'copy', api: 'billing', what: 'curl', profile: 'acme' },
  ]);
  assert.deepEqual(actions(globex?.entries), [
    { kind: 'sign-in', profile: 'globex' },
    { kind: 'sign-out', profile: 'globex' },
  ]);
  assert.deepEqual(labels(menu).slice(-2), ['Open Latchkey', 'Quit']);
  assert.equal(worstStatus(snapshot), 'expired');
  assert.equal(worstStatus({ ...base, status: 'offline' }), 'offline');
  assert.equal(trayTooltip(snapshot).split('\n').length, 3);
});

test('the five icons differ, also without colour', () => {
  for (const kind of ['', 'Template', '@2x', 'Template@2x']) {
    const pictures = statuses.map((status) => {
      const file = new URL(`../../../build/icons/tray/${status}${kind}.png`, import.meta.url);
      const png = readFileSync(file);
      assert.equal(png.readUInt32BE(16), kind.includes('2x') ? 44 : 22);
      return png.toString('base64');
    });
    assert.equal(new Set(pictures).size, statuses.length);
  }
});
