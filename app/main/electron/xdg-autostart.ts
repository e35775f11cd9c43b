import { readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { makeDirectory } from '../../../audit/directory.ts';
import { AgentError } from '../agent/errors.ts';
import { writePrivateFile } from '../agent/private-file.ts';
import type { Autostart } from './autostart.ts';
import { formatDesktopEntry, parseDesktopEntry, type DesktopEntry } from './desktop-entry.ts';

/** What an entry starts, and whose it is. */
export interface XdgStart {
  /** The entry's place, see {@link xdgAutostartFile}. */
  readonly file: string;
  /** The program, by its absolute path; with the script where a bare runtime is started. */
  readonly program: readonly string[];
  readonly args: readonly string[];
  readonly dataDir: string;
}

/**
 * Tells where Latchkey's autostart entry lies.
 *
 * @param env `XDG_CONFIG_HOME`, `HOME`
 * @returns an absolute path
 * @see https://specifications.freedesktop.org/autostart-spec/latest/
 */
export function xdgAutostartFile(env: Readonly<Record<string, string | undefined>>): string {
  const config = env['XDG_CONFIG_HOME'];
  const home = env['HOME'] ?? homedir();
  // A relative path is to be ignored (XDG Base Directory Specification).
  const base = config && isAbsolute(config) ? config : join(home, '.config');
  return join(base, 'autostart', 'latchkey.desktop');
}

/**
 * Tells which program has to be started to get this one again.
 *
 * @param execPath as `process.execPath`
 * @param env `APPIMAGE` and `APPDIR`, as an AppImage's runtime sets them
 * @returns an absolute path that is still there after a restart
 */
export function lastingProgram(
  execPath: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { APPIMAGE: image, APPDIR: mount } = env;
  // A terminal that is an AppImage leaves its own variables to whatever is started in it.
  return image && mount && execPath.startsWith(`${mount}/`) ? image : execPath;
}

/**
 * Starts programs at login as desktops on Linux do.
 *
 * @param start what to start
 * @returns the autostart; nothing is written yet
 */
export function createXdgAutostart({ file, program, args, dataDir }: XdgStart): Autostart {
  const isOurs = (entry: DesktopEntry): boolean => entry.dataDir === dataDir;
  const isHere = (entry: DesktopEntry): boolean =>
    program.every((part, index) => part === entry.command[index]);

  return {
    read() {
      const entry = readEntry(file);
      if (entry === undefined) return { kind: 'off' };
      if (!entry.isEnabled) return { kind: 'disabled', where: file };
      if (!isOurs(entry)) return { kind: 'foreign', where: file };
      return { kind: isHere(entry) ? 'on' : 'moved' };
    },
    enable() {
      const command = [...program, ...args];
      checkCommand([...command, dataDir]);
      attempt(`${file} cannot be written`, () => {
        makeDirectory(dirname(file), false);
        writePrivateFile(file, formatDesktopEntry(command, dataDir));
      });
    },
    disable() {
      const entry = readEntry(file);
      if (entry === undefined || !isOurs(entry)) return;
      attempt(`${file} cannot be removed`, () => rmSync(file, { force: true }));
    },
  };
}

function readEntry(file: string): DesktopEntry | undefined {
  return attempt(`${file} cannot be read`, () => {
    try {
      return parseDesktopEntry(readFileSync(file, 'utf8'));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** What the specification leaves no way to write. */
function checkCommand(command: readonly string[]): void {
  const [program = ''] = command;
  if (program.includes('=')) {
    throw refused(`A program whose path has an = in it cannot be started at login: ${program}`);
  }
  const odd = command.find((part) => /\p{Cc}/u.test(part));
  if (odd === undefined) return;
  throw refused(`A path with a control character cannot stand in it: ${JSON.stringify(odd)}`);
}

function attempt<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refused(`${what} (${code}). Check the disk and who may write it.`, error);
  }
}

const refused = (detail: string, cause?: unknown): AgentError =>
  new AgentError('bad_settings', detail, { cause });
