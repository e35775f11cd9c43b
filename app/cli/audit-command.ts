import { join } from 'node:path';
import { runAuditCommand } from '../../audit/command.ts';
import { profileDirs } from '../main/agent/settings/profile-dirs.ts';
import { findProfile, nameRelays } from '../main/agent/settings/relays.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { dirOf, type CommandIo } from './command-line.ts';
import { badUsage } from './usage.ts';
import { readVersion } from './version.ts';

/**
 * `latchkey audit`: works on the local record, whether or not Latchkey runs.
 *
 * @param argv what follows `audit`
 * @param io the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`, `unknown_profile`
 */
export function runAudit(argv: readonly string[], io: CommandIo): Promise<number> {
  const rest = [...argv];
  const dataDir = dirOf(taken(rest, '--data-dir', 'a directory'), io);
  const dir = auditDir(dataDir, taken(rest, '--profile', 'a name'), io);
  if (rest[0] === 'export' && !mayExport(dataDir, io)) return Promise.resolve(1);
  const { stdout, stderr } = process;
  return runAuditCommand(rest, {
    dir,
    version: readVersion(),
    stdout,
    stderr,
    program: 'latchkey audit',
  });
}

/** A policy may want the record to stay where it is. */
function mayExport(dataDir: string, io: CommandIo): boolean {
  const settings = loadSettings({ dataDir, env: io.env });
  if (settings.get('audit.export')) return true;
  const held = settings.effective().find(({ key }) => key === 'audit.export');
  const where = held?.file === undefined ? '' : ` in ${held.file}`;
  const why = held?.source === 'fallback' ? ', which is not in order: see `latchkey policy`' : '';
  io.err(`latchkey: audit export is turned off by audit.export${where}${why}\n`);
  return false;
}

/** Takes an option out, written `--option value` or `--option=value`. */
function taken(rest: string[], option: string, what: string): string | undefined {
  const inline = `${option}=`;
  const isIt = (word: string): boolean => word === option || word.startsWith(inline);
  const at = rest.findIndex(isIt);
  if (at < 0) return undefined;
  const [word = '', next] = rest.splice(at, rest[at] === option ? 2 : 1);
  const value = word === option ? next : word.slice(inline.length);
  if (!value) throw badUsage(`${option} needs ${what}`);
  if (rest.some(isIt)) throw badUsage(`${option} is given twice`);
  return value;
}

/** Each profile has a record of its own. */
function auditDir(dataDir: string, name: string | undefined, io: CommandIo): string {
  const { named } = nameRelays(loadSettings({ dataDir, env: io.env }).get('relays'));
  const profiles = named.map(({ profile }) => profile);
  const dirs = profileDirs(dataDir, profiles);
  if (name !== undefined) {
    return join(dirs.dirOf(findProfile(profiles, name, (profile) => profile)), 'audit');
  }
  const [first, ...others] = profiles;
  const chosen = others.length === 0 ? first : (dirs.root ?? first);
  if (chosen === undefined) return join(dataDir, 'audit');
  if (others.length > 0) {
    const more = profiles.filter((profile) => profile !== chosen).join(', ');
    io.err(`latchkey: this is the record of ${chosen}; --profile has those of ${more}\n`);
  }
  return join(dirs.dirOf(chosen), 'audit');
}
