import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { snapshotView } from '../../app/main/ipc/view.ts';
import { eventually } from '../support/electron.ts';
import { noChromium, useWindowScreens } from '../support/window-screens.ts';
import { ready, records, severalRelays, signedOut } from '../support/window-states.ts';

describe('the overview of the window, in real Chromium', { skip: noChromium }, () => {
  const window = useWindowScreens();

  test('before the first relay, signed out, signing in, ready', async () => {
    const screens = window();
    const { agent, send, start, inspect } = screens;
    const { relay: _relay, ...first } = signedOut;
    agent.snapshot = first;
    await start();
    const { page } = screens;
    await page.getByLabel('Relay address').waitFor();
    await inspect('first-run');
    for (const [name, snapshot] of [
      ['signed-out', signedOut],
      ['signing-in', { ...signedOut, status: 'signing-in' }],
    ] as const) {
      await send('snapshot', snapshotView(snapshot));
      await page.getByText(name === 'signed-out' ? 'Sign in to use' : 'Finish in your').waitFor();
      await inspect(name);
    }
    agent.snapshot = ready;
    agent.records = { '': records };
    await start();
    await screens.page.getByRole('article').first().waitFor();
    await screens.page.getByText('http://localhost:5391', { exact: true }).waitFor();
    await screens.page
      .getByRole('button', { name: /Details of GET/u })
      .first()
      .click();
    await inspect('ready');
  });

  test('several relays: what is shown and done belongs to the chosen one', async () => {
    const screens = window();
    const { agent, send, start, inspect } = screens;
    agent.snapshot = severalRelays;
    agent.records = { acme: records };
    await start();
    const { page } = screens;
    await page.getByRole('button', { name: 'Details of GET /billing/invoices' }).waitFor();
    await inspect('profiles');
    const select = page.getByRole('combobox', { name: 'Profile' });
    await select.click();
    await page.getByRole('option', { name: 'Globex' }).waitFor();
    await inspect('profiles-open');
    await page.getByRole('option', { name: 'Globex' }).click();
    await page.getByText('Sign in to use your APIs').waitFor();
    await page.getByText('via https://globex.example').waitFor();
    assert.equal(await page.getByRole('article').count(), 0);
    assert.equal(await page.getByText('/billing/invoices').count(), 0);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await send('activity', {
      profile: 'globex-ltd',
      records: [{ ...records[2], path: '/theirs' }] as never,
    });
    await page.getByText('/theirs').waitFor();
    await select.click();
    await page.getByRole('option', { name: 'Acme' }).click();
    await page.getByText('/theirs').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Copy the URL of Billing' }).click();
    await eventually('all three to be done', () => agent.done.length === 3 || undefined);
    assert.deepEqual(agent.done, [
      'signIn globex-ltd',
      'signOut acme',
      'copy http://localhost:5390/acme/billing',
    ]);
  });
});
