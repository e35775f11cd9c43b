import type { Page } from 'playwright-core';
import { until } from './until.ts';

/**
 * Text, since it runs in the page: the page has taken the theme that the browser asks for, with colours
 * that change some frames after the media query, and nothing moves but what turns for ever.
 */
const SETTLED = `(() => {
  const wanted = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const worn = document.documentElement.dataset.mantineColorScheme ?? wanted;
  return worn === wanted && document.getAnimations().every((it) =>
    it.playState !== 'running' || it.effect.getTiming().iterations === Infinity);
})()`;

/**
 * Waits until a page stands still in the theme asked for: colours measured earlier belong to no theme.
 *
 * @param page as it changes
 */
export async function settle(page: Page): Promise<void> {
  await until('the page to settle', () => page.evaluate<boolean>(SETTLED), { everyMs: 50 });
}

/**
 * Turns a page to a theme, and waits until it wears it.
 *
 * @param page what is looked at; animations are asked to be left out
 * @param colorScheme the theme
 */
export async function wear(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await settle(page);
}
