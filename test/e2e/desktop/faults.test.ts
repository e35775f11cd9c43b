import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { electronSkipReason, eventually, launchApp, testOutput } from '../../support/electron.ts';
import type { LaunchedApp, LaunchOptions } from '../../support/electron.ts';
import { startSniHost } from '../../support/sni-host.ts';
import type { TrayHandle } from '../../support/sni-host.ts';

const skip = await electronSkipReason();

async function start(
  t: TestContext,
  options: Omit<LaunchOptions, 'dataDir'>,
): Promise<{ launched: LaunchedApp; tray: TrayHandle }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-e2e-'));
  const host = await startSniHost();
  const launched = await launchApp({ dataDir, ...options });
  t.after(async () => {
    await launched.close();
    host.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  return { launched, tray: await host.item() };
}

async function withLabel(tray: TrayHandle, wanted: RegExp): Promise<string> {
  return eventually(`a menu line like ${wanted}`, async () =>
    (await tray.labels()).find((label) => wanted.test(label)),
  );
}

describe('the tray app in trouble', { skip }, () => {
  test('a taken port is named in tray and window, and tried again on request', async (t) => {
    const squatter = createServer((_request, response) => response.end('mine'));
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    t.after(() => squatter.close());
    const { port } = squatter.address() as AddressInfo;

    const { launched, tray } = await start(t, { port, relay: 'http://127.0.0.1:9' });
    const page = await launched.page();
    await page.getByText('The local port is taken').waitFor();
    await page.getByText('Local port closed').waitFor();
    await page.screenshot({ path: await testOutput('port-taken.png') });
    assert.match(await withLabel(tray, /port/iu), new RegExp(String(port), 'u'));

    await new Promise((resolve) => {
      squatter.close(resolve);
      squatter.closeAllConnections();
    });
    await tray.click('Try again');
    await page.getByText(`Listening on http://localhost:${port}`).waitFor();
    await page.getByText('The local port is taken').waitFor({ state: 'detached' });
    await eventually(
      'the menu to offer it no more',
      async () => !(await tray.labels()).includes('Try again') || undefined,
    );
    const status = await fetch(`http://localhost:${port}/.latchkey/status`);
    assert.equal(status.status, 200);
    await status.arrayBuffer();
  });

  test('a relay that cannot be reached, or is none, is told where the person looks', async (t) => {
    const stranger = createServer((_request, response) => response.end('<h1>hello</h1>'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    t.after(() => stranger.close());

    const { launched, tray } = await start(t, { relay: 'http://127.0.0.1:9' });
    const page = await launched.page();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await withLabel(tray, /^Sign in$/u);
    await tray.click('Sign in');
    await page.getByText('The relay cannot be reached').waitFor();
    await withLabel(tray, /127\.0\.0\.1:9/u);
    assert.match(await tray.tooltip(), /127\.0\.0\.1:9/u);

    await page.getByRole('button', { name: 'Change' }).click();
    const { port } = stranger.address() as AddressInfo;
    await page.getByLabel('Relay address').fill(`http://127.0.0.1:${port}`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText(`relay http://127.0.0.1:${port}`).waitFor();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This is not a Latchkey relay').waitFor();
    await page.screenshot({ path: await testOutput('not-a-relay.png') });
    stranger.closeAllConnections();
  });
});
