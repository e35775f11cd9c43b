import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { settle } from './theme.ts';

const source = readFileSync(
  new URL('../../node_modules/axe-core/axe.min.js', import.meta.url),
  'utf8',
);

/** Whether screens are looked at in each size and theme: it takes twice as long as two of the four. */
export const isEveryView = process.env['LATCHKEY_VIEWS'] === 'all';

/**
 * Looks for what keeps people out, with axe-core: WCAG 2.2 A and AA, and its best practices.
 *
 * @param page looked at once it stands still
 * @returns one line a violation, with the elements; none when all is well
 */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await settle(page);
  // Evaluated from outside, so that the page's own policy on scripts holds.
  if (await page.evaluate(`typeof axe === 'undefined'`)) await page.evaluate(source);
  return page.evaluate<string[]>(`axe.run(document, { resultTypes: ['violations'], preload: false,
    rules: { 'target-size': { enabled: true } } }).then(
    ({ violations }) => violations.map(({ id, help, nodes }) => id + ': ' + help + '\\n' +
      nodes.map((node) => '    ' + node.target.join(' ') + '  ' + node.failureSummary).join('\\n')))`);
}
