import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { buildApp } from '../../build/app.ts';
import { callNames, eventNames } from '../../app/main/ipc/contract.ts';
import type { CallName, EventName, Events } from '../../app/main/ipc/contract.ts';
import type { createHandlers } from '../../app/main/ipc/handlers.ts';

const built = join(import.meta.dirname, '..', '..', 'dist', 'renderer');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** Where the page believes to be; nothing of it is asked for over the network. */
export const windowOrigin = 'https://window.example';

/** The window's page without a window around it. */
export interface WindowPage {
  readonly page: Page;
  /** As the main process tells the page something. */
  send<K extends EventName>(name: K, value: Events[K]): Promise<void>;
}

/**
 * Opens the built page in a browser, with the same bridge that the preload script makes and the real handlers behind it.
 *
 * @param browser where to open it
 * @param answer from `createHandlers(…, windowOrigin)`
 * @returns the page
 */
export async function openWindowPage(
  browser: Browser,
  answer: ReturnType<typeof createHandlers>,
): Promise<WindowPage> {
  await buildApp();
  const page = await browser.newPage({ viewport: { width: 960, height: 640 } });
  // A busy machine takes its time.
  page.setDefaultTimeout(60_000);
  const sender = { url: `${windowOrigin}/index.html`, isMainFrame: true, isOurWindow: true };
  await page.exposeFunction('answer', (name: CallName, args: readonly unknown[]) =>
    answer(name, sender, args),
  );
  await page.addInitScript(bridgeScript);
  await page.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    const body = await readFile(join(built, pathname), 'utf8');
    const contentType = types[extname(pathname)] ?? 'application/octet-stream';
    await route.fulfill({ body: body.replaceAll('{nonce}', 'for-tests'), contentType });
  });
  await page.goto(`${windowOrigin}/index.html`);
  return {
    page,
    send: (name, value) => page.evaluate(`tell(${JSON.stringify(name)}, ${JSON.stringify(value)})`),
  };
}

/** Text, since it runs in the page. */
const bridgeScript = `
  const listeners = new Map(${JSON.stringify(eventNames)}.map((name) => [name, new Set()]));
  globalThis.tell = (name, value) => listeners.get(name).forEach((listener) => listener(value));
  globalThis.latchkey = Object.fromEntries(${JSON.stringify(callNames)}.map(
    (name) => [name, (...args) => answer(name, args)]));
  latchkey.on = Object.fromEntries([...listeners].map(([name, all]) => [name, (listener) => {
    all.add(listener);
    return () => all.delete(listener);
  }]));
`;
