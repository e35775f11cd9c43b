import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, isEveryView } from './axe.ts';
import { testOutput } from './electron.ts';
import { findChromium, launchChromium } from './sign-in.ts';
import { wear } from './theme.ts';
import { createWindowAgent, type WindowAgent } from './window-agent.ts';
import { openWindowPage, windowOrigin, type WindowPage } from './window-page.ts';
import { ready } from './window-states.ts';

/** Why the screens cannot be looked at here, for `skip`. */
export const noChromium = findChromium() === undefined && 'no Chromium: set CHROMIUM_PATH';

/** Both themes; as large as asked for, and as small as the window can be made. */
const views = [
  { colorScheme: 'light', width: 1280, height: 800 },
  { colorScheme: 'dark', width: 640, height: 480 },
  ...(isEveryView
    ? ([
        { colorScheme: 'dark', width: 1280, height: 800 },
        { colorScheme: 'light', width: 640, height: 480 },
      ] as const)
    : []),
] as const;

/** One page a test, before an agent that stands still. */
export interface WindowScreens {
  readonly agent: WindowAgent;
  readonly page: Page;
  readonly send: WindowPage['send'];
  /** Opens the page, with the agent as it is now. */
  start(): Promise<void>;
  /** Turns to a tab. */
  show(tab: string): Promise<void>;
  /** Nobody is kept out and nothing sticks out, in both themes and at both sizes. */
  inspect(name: string): Promise<void>;
}

/**
 * Registers what every test on the window's screens needs; what the page complains about fails the test.
 *
 * @returns the screens of the test that runs
 */
export function useWindowScreens(): () => WindowScreens {
  const faults: string[] = [];
  let browser: Browser;
  let agent: WindowAgent;
  let open: WindowPage | undefined;

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());
  beforeEach(() => {
    agent = createWindowAgent(windowOrigin, ready);
  });
  afterEach(async () => {
    await open?.page.close();
    await agent.close();
    assert.deepEqual(faults.splice(0), []);
  });

  function opened(): WindowPage {
    assert.ok(open, 'start() comes first');
    return open;
  }

  async function start(): Promise<void> {
    await open?.page.close();
    open = await openWindowPage(browser, agent.answer);
    const { page } = open;
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (line) => {
      if (line.type() === 'error' || line.type() === 'warning') faults.push(line.text());
    });
    await page.getByRole('heading', { name: 'Latchkey' }).waitFor();
  }

  async function inspect(name: string): Promise<void> {
    const { page } = opened();
    for (const { colorScheme, ...size } of views) {
      const where = `${name}-${size.width}-${colorScheme}`;
      await page.setViewportSize(size);
      await wear(page, colorScheme);
      await page.screenshot({ path: await testOutput(`window-${where}.png`) });
      assert.deepEqual(await axeViolations(page), [], where);
      const overflow = await page.evaluate(
        `[document.documentElement, document.querySelector('main')].map(
          (element) => element.scrollWidth - element.clientWidth)`,
      );
      assert.deepEqual(overflow, [0, 0], `${where} is wider than the window`);
    }
  }

  return () => ({
    agent,
    get page() {
      return opened().page;
    },
    send: (name, value) => opened().send(name, value),
    start,
    show: (tab) => opened().page.getByRole('tab', { name: tab }).click(),
    inspect,
  });
}
