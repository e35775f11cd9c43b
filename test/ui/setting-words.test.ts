import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import {
  editableKeys,
  type EditableKey,
  type SettingView,
} from '../../app/main/ipc/setting-views.ts';
import {
  grouped,
  savingWords,
  settingWords,
  sourceWords,
} from '../../app/renderer/setting-words.ts';
import { privateDir } from '../support/private-dir.ts';

const setting = (key: string, more: Partial<SettingView> = {}): SettingView => ({
  key,
  lines: [],
  source: 'default',
  locked: false,
  hasEffect: true,
  ...more,
});

test('every setting has a title and a sentence about it', (t) => {
  const settings = loadSettings({ dataDir: privateDir(t), env: {} });
  const keys = settings.effective().map(({ key }) => key);
  assert.ok(editableKeys.every((key) => keys.includes(key)));
  for (const key of keys) {
    const words = settingWords[key];
    assert.ok(words !== undefined && words.title !== key, `${key} has no words`);
    assert.match(words.about, /^\p{Lu}[^`]+[.?]$/u, key);
  }
});

test('no setting is left out of the groups, and none stands twice', () => {
  const keys = [...Object.keys(settingWords), 'of.a.later.version'];
  const groups = grouped(keys.toReversed().map((key) => setting(key)));
  const shown = groups.flatMap(({ settings }) => settings.map(({ key }) => key));
  assert.deepEqual(shown.toSorted(), keys.toSorted());
  assert.equal(new Set(groups.map(({ title }) => title)).size, groups.length);
  assert.equal(
    groups.at(-1)?.settings.some(({ key }) => key === 'of.a.later.version'),
    true,
  );
});

test('groups keep their own order whatever order the settings come in; empty ones are not shown', () => {
  assert.deepEqual(grouped([]), []);
  const groups = grouped([setting('tokens.store'), setting('port'), setting('relays')]);
  assert.deepEqual(
    groups.map(({ title }) => title),
    ['Connection', 'Local port', 'Sign-in'],
  );
});

test('who decided a setting, and whose value was bad', () => {
  const words = (source: SettingView['source'], locked = false): string =>
    sourceWords(setting('port', { source, locked }));
  assert.equal(words('default'), 'Default');
  assert.equal(words('user'), 'Set by you');
  assert.equal(words('policy', true), 'Set by IT');
  assert.equal(words('fallback'), 'Your value was bad: replaced');
  assert.equal(words('fallback', true), 'IT’s value was bad: replaced');
});

test('who locked a setting goes by the name in policy, which cannot turn the words beside it', () => {
  const words = (source: SettingView['source'], name: string, locked = true): string =>
    sourceWords(setting('port', { source, locked }), { name });
  assert.equal(words('policy', 'Acme IT'), 'Set by Acme IT');
  assert.equal(words('fallback', 'Acme IT'), 'The value of Acme IT was bad: replaced');
  assert.equal(words('fallback', 'Acme IT', false), 'Your value was bad: replaced');
  assert.equal(words('user', 'Acme IT', false), 'Set by you');
  assert.equal(words('policy', 'Acme\u202E TI'), 'Set by Acme\u{FFFD} TI');
  assert.equal(sourceWords(setting('port', { source: 'policy', locked: true }), {}), 'Set by IT');
});

test('that saving starts the local port again is said where it does, and for what it does not', () => {
  const changeable = (key: EditableKey, restarts: boolean): SettingView => {
    const form = { kind: 'switch', value: false } as const;
    return setting(key, { edit: { key, allowed: 'on or off', restarts, form } });
  };
  const [loud, quiet] = [changeable('signIn.auto', true), changeable('launchAtLogin', false)];
  assert.equal(
    savingWords([loud, quiet]),
    'Saving, but for “Start at login”, starts the local port again: what is under way ends.',
  );
  assert.equal(
    savingWords([loud, setting('port')]),
    'Saving starts the local port again: what is under way ends.',
  );
  assert.equal(savingWords([quiet, setting('port')]), undefined);
});
