import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type {
  EditableKey,
  SettingInput,
  SettingsView,
} from '../../../app/main/ipc/setting-views.ts';
import { createWindowAgent } from '../../support/window-agent.ts';
import { ready } from '../../support/window-states.ts';

const origin = 'latchkey-ui://app';
const page = { url: `${origin}/index.html`, isMainFrame: true, isOurWindow: true };

function setUp(t: TestContext, files: { readonly user?: unknown; readonly policy?: unknown } = {}) {
  const agent = createWindowAgent(origin, ready);
  t.after(agent.close);
  const file = join(agent.dataDir, 'settings.json');
  const write = (path: string, content: unknown): void => {
    if (content === undefined) return;
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  };
  write(file, files.user);
  write(agent.policyFile, files.policy);
  const view = async (reply: ReturnType<typeof agent.answer>): Promise<SettingsView> => {
    const answer = await reply;
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
    return answer.value as SettingsView;
  };
  return {
    agent,
    file,
    written: () => JSON.parse(readFileSync(file, 'utf8')) as unknown,
    read: () => view(agent.answer('settings', page, [])),
    save: (key: EditableKey, value: SettingInput) =>
      view(agent.answer('saveSetting', page, [key, value])),
  };
}

const find = (view: SettingsView, key: string) => {
  const setting = view.settings.find((one) => one.key === key);
  assert.ok(setting, key);
  return setting;
};

describe('settings in the window', () => {
  test('show value, source, lock, faults and what has no effect; credentials are hidden', async (t) => {
    const { agent, file, read } = setUp(t, {
      user: {
        network: { proxy: 'http://alice:s3cret@proxy.example.com:3128' },
        signIn: { waitSeconds: 'long' },
        launchAtLogin: true,
        relays: [{ name: 'Acme', url: 'https://relay.example.com' }],
        apis: { billing: { port: 5391 } },
      },
      policy: { port: 7000, updates: { url: 'https://u:s3cret@updates.example.com/x?key=s3cret' } },
    });
    const view = await read();
    assert.equal(view.file, file);
    assert.ok(!JSON.stringify(view).includes('s3cret'), JSON.stringify(view));
    const proxy = find(view, 'network.proxy');
    assert.deepEqual(proxy.lines, ['http://***@proxy.example.com:3128/']);
    assert.equal(proxy.source, 'user');
    assert.equal(proxy.edit?.form.kind, 'text');
    const port = find(view, 'port');
    assert.deepEqual(
      { ...port },
      {
        key: 'port',
        lines: ['7000'],
        source: 'policy',
        file: agent.policyFile,
        locked: true,
        hasEffect: true,
      },
    );
    assert.deepEqual(find(view, 'signIn.waitSeconds').source, 'fallback');
    assert.deepEqual(find(view, 'relays').lines, ['Acme https://relay.example.com']);
    assert.equal(find(view, 'relays').edit, undefined);
    assert.deepEqual(find(view, 'apis').lines, ['billing: port 5391']);
    assert.equal(find(view, 'launchAtLogin').hasEffect, true);
    assert.equal(find(view, 'updates.url').hasEffect, false);
    assert.deepEqual(find(view, 'managedBy.name').lines, []);
    assert.deepEqual(find(view, 'signIn.auto').lines, ['on']);
    assert.ok(view.faults.some((fault) => fault.includes('signIn.waitSeconds')));
  });

  test('show of starting at login what the system does, and why that differs', async (t) => {
    const { agent, read, save } = setUp(t, { user: { launchAtLogin: true } });
    agent.startAtLogin = { isOn: false, note: 'Could not be applied: the disk is full.' };
    const shown = find(await read(), 'launchAtLogin');
    assert.deepEqual(shown.lines, ['off']);
    assert.equal(shown.source, 'user');
    assert.equal(shown.note, 'Could not be applied: the disk is full.');
    assert.deepEqual(shown.edit?.form, { kind: 'switch', value: false });
    agent.startAtLogin = { isOn: true };
    const saved = find(await save('launchAtLogin', true), 'launchAtLogin');
    assert.deepEqual(saved.lines, ['on']);
    assert.ok(!('note' in saved));
    await assert.rejects(save('launchAtLogin', 'yes'), /launchAtLogin: must be on or off/u);
  });

  test('of starting at login are IT’s where IT has set them', async (t) => {
    const { agent, read, save } = setUp(t, { policy: { launchAtLogin: true } });
    agent.startAtLogin = { isOn: true };
    const shown = find(await read(), 'launchAtLogin');
    assert.ok(shown.locked && shown.edit === undefined);
    await assert.rejects(save('launchAtLogin', false), /is set by your IT department/u);
  });

  test('tell who manages this computer, where to ask, and who locked what cannot be changed', async (t) => {
    const managed = { name: 'Acme IT', help: 'https://it.example.com/help?form=latchkey' };
    const { agent, read, save } = setUp(t, { policy: { port: 7000, managedBy: managed } });
    const view = await read();
    assert.deepEqual(view.managedBy, { ...managed, opens: true });
    assert.deepEqual(view.faults, []);
    assert.deepEqual(find(view, 'managedBy.help').lines, [managed.help]);
    assert.ok(find(view, 'managedBy.name').hasEffect);
    await assert.rejects(
      save('port', 6000),
      /port: is set by Acme IT in .*policy\.json; ask them \(https:\/\/it\.example\.com\/help\?form=latchkey\)\./u,
    );
    const opened = await agent.answer('openHelp', page, []);
    assert.ok(opened.ok);
    assert.deepEqual(agent.done, [`help ${managed.help}`]);
    const text = setUp(t, { policy: { managedBy: { help: 'Room 5' } } });
    assert.deepEqual((await text.read()).managedBy, { help: 'Room 5', opens: false });
  });

  test('say of each whether saving it starts the local port again', async (t) => {
    const { read } = setUp(t);
    const { settings } = await read();
    const quiet = settings.filter(({ edit }) => edit?.restarts === false);
    assert.deepEqual(
      quiet.map(({ key }) => key),
      ['launchAtLogin'],
    );
  });

  test('are saved beside what the file holds already, then the agent starts again', async (t) => {
    const { agent, save, written } = setUp(t, {
      user: { signIn: { waitSeconds: 5 }, relays: [], colour: 'green' },
    });
    const view = await save('signIn.auto', false);
    assert.deepEqual(find(view, 'signIn.auto').source, 'user');
    await save('guard.allowedOrigins', ['https://tools.example.com']);
    await save('port', 0);
    await save('tokens.store', 'memory');
    await save('network.proxy', 'pac+https://example.com/proxy.pac');
    await save('log.level', 'debug');
    assert.deepEqual(written(), {
      signIn: { waitSeconds: 5, auto: false },
      relays: [],
      colour: 'green',
      guard: { allowedOrigins: ['https://tools.example.com'] },
      port: 0,
      tokens: { store: 'memory' },
      network: { proxy: 'pac+https://example.com/proxy.pac' },
      log: { level: 'debug' },
    });
    assert.equal(agent.done.filter((what) => what === 'restart').length, 6);
  });

  test('go back to their default, and leave nothing empty behind', async (t) => {
    const { save, written } = setUp(t, { user: { signIn: { auto: false }, port: 6000 } });
    assert.equal(find(await save('signIn.auto', null), 'signIn.auto').source, 'default');
    await save('port', null);
    assert.deepEqual(written(), {});
  });

  test('that are not allowed are refused by name, with what is allowed; the file stays', async (t) => {
    const user = { port: 6000 };
    const { agent, save, written } = setUp(t, { user });
    const bad: readonly (readonly [EditableKey, SettingInput, RegExp])[] = [
      ['port', 70_000, /bad_settings: port: must be a whole number from 0 to 65535/u],
      ['port', 5390.5, /port: must be/u],
      ['port', '5390', /port: must be/u],
      ['signIn.auto', 'yes', /signIn\.auto: must be on or off/u],
      ['signIn.waitSeconds', -1, /signIn\.waitSeconds: must be a number of seconds from 0 to 600/u],
      ['guard.allowedOrigins', ['https://a.example/path'], /guard\.allowedOrigins: must be/u],
      ['guard.allowedOrigins', ['null'], /guard\.allowedOrigins: must be/u],
      ['tokens.store', 'disk', /tokens\.store: must be sealed or memory/u],
      ['network.proxy', 'socks5://proxy:1080', /network\.proxy: must be direct/u],
      ['network.proxy', 'http://proxy.example.com/path', /network\.proxy: a proxy has nothing/u],
      ['network.proxy', 'http://***@proxy.example.com', /hidden here\. Type the whole/u],
      ['log.level', 'trace', /log\.level: must be error, warn, info or debug/u],
    ];
    for (const [key, value, why] of bad) await assert.rejects(save(key, value), why);
    assert.deepEqual(written(), user);
    assert.deepEqual(agent.done, []);
  });

  test('in a file that cannot be read are not overwritten', async (t) => {
    const { file, save } = setUp(t, { user: '{"relays": [' });
    await assert.rejects(save('port', 6000), /bad_settings: .*settings\.json cannot be read/u);
    assert.equal(readFileSync(file, 'utf8'), '{"relays": [');
  });
});
