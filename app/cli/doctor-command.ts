import { loadSettings } from '../main/agent/settings/settings.ts';
import { checkedProfile } from '../main/doctor/checked-profile.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { diagnose } from '../main/doctor/diagnose.ts';
import { doctorText } from '../main/doctor/doctor-text.ts';
import { specs } from './specs.ts';
import { readVersion } from './version.ts';

/**
 * Runs `latchkey doctor`.
 *
 * @param argv what follows `doctor`
 * @param io where to write, the environment
 * @param isTerminal whether stdout is one
 * @returns 0 when nothing failed, else 1
 * @throws {AgentError} `bad_usage`, `unknown_profile`
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
    profile: checkedProfile(values.profile, dataDir, settings),
    env: io.env,
    version: readVersion(),
    now: Date.now,
  });
  const ok = findings.every(({ outcome }) => outcome !== 'fail');
  if (values.json) io.out(`${JSON.stringify({ ok, checks: findings })}\n`);
  else io.out(doctorText(findings, isTerminal && !io.env['NO_COLOR']));
  return ok ? 0 : 1;
}
