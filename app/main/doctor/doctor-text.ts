import type { Finding, Outcome } from './check.ts';

const colours = { ok: '32', warn: '33', fail: '31', skip: '2' } as const satisfies Record<
  Outcome,
  string
>;

/**
 * Lays out findings for people: a mark, the check, what was found, and what to do.
 *
 * @param findings in order
 * @param colour whether the marks are coloured
 * @returns one line a finding, one more under each problem
 */
export function doctorText(findings: readonly Finding[], colour: boolean): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, outcome, detail, todo }) => {
    const word = outcome.padEnd(4);
    const mark = colour ? `\u001B[${colours[outcome]}m${word}\u001B[0m` : word;
    const line = `${mark}  ${name.padEnd(width)}  ${detail}`;
    return todo === undefined ? [line] : [line, `${' '.repeat(width + 8)}do: ${todo}`];
  });
  const count = (outcome: Outcome): number =>
    findings.filter((finding) => finding.outcome === outcome).length;
  const sum = `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail, ${count('skip')} skip`;
  return `${lines.join('\n')}\n\n${sum}\n`;
}
