import type { Finding, Outcome } from './doctor/check.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { diagnose } from './doctor/diagnose.ts';
import { specs } from './specs.ts';
import { readVersion } from './version.ts';

/**
 * Runs `latchkey doctor`.
 *
 * @param argv what follows `doctor`
 * @param io where to write, the environment
 * @param isTerminal whether stdout is one
 * @returns 0 when nothing failed, else 1
 * @throws {AgentError} `bad_usage`
 */
export async function runDoctor(
  argv: readonly string[],
  io: CommandIo,
  isTerminal: boolean = process.stdout.isTTY,
): Promise<number> {
  const values = parsed(argv, specs.doctor.options);
  const dataDir = dirOf(values['data-dir'], io);
  const settings = loadSettings({ dataDir, env: io.env });
  const { findings } = await diagnose({
    dataDir,
    settings,
    env: io.env,
    version: readVersion(),
    now: Date.now,
  });
  const ok = findings.every(({ outcome }) => outcome !== 'fail');
  if (values.json) io.out(`${JSON.stringify({ ok, checks: findings })}\n`);
  else io.out(doctorText(findings, isTerminal && !io.env['NO_COLOR']));
  return ok ? 0 : 1;
}

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
