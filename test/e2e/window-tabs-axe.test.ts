import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../support/electron.ts';
import { noChromium, useWindowScreens } from '../support/window-screens.ts';
import { findings, long, severalRelays } from '../support/window-states.ts';

describe('keys, settings and health in the window, in real Chromium', { skip: noChromium }, () => {
  const window = useWindowScreens();

  test('tool keys: none, some with long names, the form, its errors, the secret, the revocation', async () => {
    const screens = window();
    const { agent, start, show, inspect } = screens;
    writeFileSync(agent.policyFile, JSON.stringify({ guard: { requireToolKeys: true } }));
    await start();
    const { page } = screens;
    await show('Tool keys');
    await page.getByText('No keys yet').waitFor();
    await page.getByText('Your IT department wants it so').waitFor();
    await inspect('keys-none');
    agent.keys.add({ name: 'Nightly report', apis: ['billing'], readOnly: true });
    agent.keys.add({ name: long.slice(0, 64), apis: ['billing', 'payroll'], methods: ['POST'] });
    agent.keys.lend({ name: 'npm test' });
    await show('Overview');
    await show('Tool keys');
    await page.getByText('billing, read-only').waitFor();
    await inspect('keys');
    await page.getByRole('button', { name: 'Add a key' }).click();
    await page.getByLabel('Name').fill('Nightly report');
    await page.getByRole('button', { name: 'Add the key' }).click();
    await page.getByText('There is a key named').waitFor();
    await inspect('keys-form');
    await page.getByRole('combobox', { name: 'APIs' }).click();
    await page.getByRole('option', { name: 'Billing' }).waitFor();
    await inspect('keys-form-apis');
    await page.getByRole('option', { name: 'Billing' }).click();
    await page.keyboard.press('Tab');
    await page.getByLabel('Name').fill('Weekly report');
    await page.getByRole('button', { name: 'Add the key' }).click();
    const secret = page.getByText(/^lk_[\w-]{43}$/u);
    await secret.waitFor();
    await inspect('keys-secret');
    const shown = await secret.innerText();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('button', { name: 'Copy the curl command' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Done' }).click();
    await secret.waitFor({ state: 'detached' });
    await eventually('both to be copied', () => agent.done.length === 2 || undefined);
    assert.deepEqual(agent.done, [
      `copy ${shown}`,
      `copy curl -H 'X-Latchkey-Key: ${shown}' http://localhost:5390/billing/invoices`,
    ]);
    await page.getByRole('button', { name: 'Revoke Weekly report' }).click();
    await page.getByText('Revoke this key?').waitFor();
    await inspect('keys-revoke');
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('Weekly report').waitFor({ state: 'detached' });
    assert.ok(!agent.keys.list().some(({ name }) => name === 'Weekly report'));
  });

  test('settings: sources, locks, faults, and a change with the keyboard alone', async () => {
    const screens = window();
    const { agent, start, inspect } = screens;
    const policy = {
      guard: { requireToolKeys: true },
      network: { proxy: 'ftp://nowhere' },
      managedBy: { name: `Acme IT ${long}`.slice(0, 200), help: 'https://it.example.com/help' },
    };
    writeFileSync(agent.policyFile, JSON.stringify(policy));
    const user = {
      relays: [{ name: 'Acme', url: 'https://relay.example.com' }],
      signIn: { auto: 'maybe' },
      launchAtLogin: true,
      colour: 'green',
    };
    writeFileSync(join(agent.dataDir, 'settings.json'), JSON.stringify(user));
    agent.startAtLogin = { isOn: false, note: `Could not be applied: /${long} cannot be written.` };
    await start();
    const { page } = screens;
    await page.getByRole('tab', { name: 'Overview' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByText('things are wrong').waitFor();
    await page.getByText('no effect in this version').first().waitFor();
    await page.getByText('Could not be applied: ').waitFor();
    await page.getByText('Managed by Acme IT').waitFor();
    await inspect('settings');
    await page.getByRole('button', { name: 'Change Local port' }).press('Enter');
    await inspect('settings-editor');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('70000');
    await page.keyboard.press('Enter');
    await page.getByText('port: must be a whole number from 0 to 65535').waitFor();
    await inspect('settings-refused');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('6000');
    await page.keyboard.press('Enter');
    const row = page.locator('[data-setting="port"]');
    await row.getByText('Set by you').waitFor();
    await row.getByText('6000').waitFor();
    await page.getByRole('button', { name: 'Help: https://it.example.com/help' }).press('Enter');
    await eventually('the help to be opened', () => agent.done.length === 2 || undefined);
    assert.deepEqual(agent.done, ['restart', 'help https://it.example.com/help']);
    const locked = page.locator('[data-setting="guard.requireToolKeys"]');
    assert.equal(await locked.getByRole('button').count(), 0);
    await locked.getByLabel('Locked').waitFor();
    await locked.getByText('Set by Acme IT').waitFor();
  });

  test('health: every verdict, and the report to copy', async () => {
    const screens = window();
    const { agent, start, show, inspect } = screens;
    agent.findings = { '': findings };
    await start();
    const { page } = screens;
    await show('Health');
    await page.getByText('1 problem, 1 warning').waitFor();
    await inspect('health');
    await page.getByRole('button', { name: 'Copy the report' }).click();
    await page.getByText('Copied').waitFor();
    assert.match(agent.done[0] ?? '', /^copy ok {4}settings .*\n.*\n/u);
    agent.findings = { '': findings.slice(0, 1) };
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.getByText('Everything is in order').waitFor();
  });

  test('health of several relays: the chosen one is checked, named, and its report copied', async () => {
    const screens = window();
    const { agent, start, show, inspect } = screens;
    agent.snapshot = severalRelays;
    agent.findings = { acme: findings.slice(0, 1), 'globex-ltd': findings };
    await start();
    const { page } = screens;
    await show('Health');
    await page.getByText('Everything is in order · Acme').waitFor();
    const select = page.getByRole('combobox', { name: 'Profile' });
    await select.click();
    await page.getByRole('option', { name: 'Globex' }).click();
    await page.getByText('1 problem, 1 warning · Globex Ltd').waitFor();
    await inspect('health-profiles');
    await page.getByRole('button', { name: 'Copy the report' }).click();
    await eventually('the report to be copied', () => agent.done.length === 1 || undefined);
    await select.click();
    await page.getByRole('option', { name: 'Acme' }).click();
    await page.getByText('Everything is in order · Acme').waitFor();
    await page.getByRole('button', { name: 'Copy the report' }).click();
    await eventually('the other to be copied', () => agent.done.length === 2 || undefined);
    assert.match(agent.done[0] ?? '', /^copy profile: globex-ltd\n\nok {4}settings/u);
    assert.match(agent.done[1] ?? '', /^copy profile: acme\n\nok {4}settings/u);
  });
});
