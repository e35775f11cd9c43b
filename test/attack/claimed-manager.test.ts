import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { helpAddress } from '../../app/main/agent/settings/help-address.ts';
import type { CallName } from '../../app/main/ipc/contract.ts';
import type { SettingsView } from '../../app/main/ipc/setting-views.ts';
import { createWindowAgent } from '../support/window-agent.ts';
import { ready } from '../support/window-states.ts';

const origin = 'latchkey-ui://app';
const page = { url: `${origin}/index.html`, isMainFrame: true, isOurWindow: true };

function setUp(t: TestContext, files: { readonly user?: unknown; readonly policy: unknown }) {
  const agent = createWindowAgent(origin, ready);
  t.after(agent.close);
  if (files.user !== undefined) {
    writeFileSync(join(agent.dataDir, 'settings.json'), JSON.stringify(files.user));
  }
  writeFileSync(agent.policyFile, JSON.stringify(files.policy));
  const call = (name: CallName, ...args: readonly unknown[]) => agent.answer(name, page, args);
  return { agent, call };
}

const fake = { name: 'Evil Support', help: 'https://evil.example/give-us-your-password' };

describe('whoever writes a settings.json', () => {
  test('cannot claim in it that a computer is managed, nor where to ask', async (t) => {
    const { agent, call } = setUp(t, { user: { managedBy: fake }, policy: { port: 7000 } });
    const reply = await call('settings');
    assert.ok(reply.ok);
    const view = reply.value as SettingsView;
    assert.ok(!('managedBy' in view));
    assert.doesNotMatch(JSON.stringify(view), /evil/iu);
    for (const key of ['managedBy.name', 'managedBy.help']) {
      assert.ok(view.faults.some((fault) => fault.includes(`${key}: only IT's policy can set it`)));
    }
    const opened = await call('openHelp');
    assert.ok(!opened.ok && opened.code === 'bad_usage');
    const locked = await call('saveSetting', 'port', 6000);
    assert.ok(!locked.ok);
    assert.match(locked.message, /is set by your IT department in .*; ask them\.$/u);
    assert.deepEqual(agent.done, []);
  });

  test('cannot replace or complete what policy says', async (t) => {
    const { agent, call } = setUp(t, {
      user: { managedBy: fake },
      policy: { managedBy: { name: 'Acme IT' } },
    });
    const reply = await call('settings');
    assert.ok(reply.ok);
    assert.deepEqual((reply.value as SettingsView).managedBy, { name: 'Acme IT' });
    assert.ok(!(await call('openHelp')).ok);
    assert.deepEqual(agent.done, []);
  });
});

describe('what policy names for help', () => {
  const hostile = [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http://it.example.com/',
    'data:text/html,x',
    'smb://evil.example/share',
    'ms-settings:x',
    'https:\\\\it:x@evil.example',
    'mailto:it@example.com?attach=/etc/passwd',
    'mailto:it@example.com?subject=x&ATTACHMENT=/etc/passwd',
    'mailto:?subject=x',
    'https://it.example.com/ --flag',
    ' https://it.example.com/',
    'https://it.example.com/\n',
  ];

  test('starts no other program and attaches nothing: it is shown as text', () => {
    for (const help of hostile) assert.equal(helpAddress(help), undefined, help);
  });

  test('is opened as policy has it, never as the page says', async (t) => {
    const { agent, call } = setUp(t, { policy: { managedBy: { help: 'javascript:alert(1)' } } });
    assert.ok(!(await call('openHelp')).ok);
    const { agent: other, call: ask } = setUp(t, {
      policy: { managedBy: { help: 'https://it.example.com/help' } },
    });
    assert.ok(!(await ask('openHelp', 'https://evil.example/')).ok);
    assert.ok((await ask('openHelp')).ok);
    assert.deepEqual(agent.done, []);
    assert.deepEqual(other.done, ['help https://it.example.com/help']);
  });
});
