import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Need } from './catalogue.ts';
import { hasProgram } from './machine.ts';
import { hasApache } from './programs/apache.ts';

const PEERS = join(import.meta.dirname, 'peers');

/** What the generator itself wants, beside the peers. */
type Tool = Need | 'wrk' | 'taskset';

const PACKAGES: Readonly<Record<Exclude<Tool, 'npm peers'>, readonly string[]>> = {
  haproxy: ['haproxy'],
  nginx: ['nginx-light'],
  apache: ['apache2', 'libapache2-mod-auth-openidc'],
  wrk: ['wrk'],
  taskset: ['util-linux'],
};

function isThere(tool: Tool): boolean {
  if (tool === 'npm peers') return existsSync(join(PEERS, 'node_modules', '.package-lock.json'));
  return tool === 'apache' ? hasApache() : hasProgram(tool);
}

function run(command: string, args: readonly string[], cwd: string): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // What they say goes to stderr: stdout is for the figures.
  return spawnSync(command, args, { cwd, env, stdio: ['ignore', 2, 2] }).status === 0;
}

/** A package may come with a service that starts at once, and would take part in every figure. */
const QUIET = ['-o', 'Dpkg::Options::=--force-confold', '-o', 'DPkg::Lock::Timeout=120'];

function installPackages(names: readonly string[]): void {
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) return;
  run('apt-get', ['-q', 'update'], '/');
  run('apt-get', ['-q', '-y', ...QUIET, 'install', '--no-install-recommends', ...names], '/');
}

/**
 * Installs what is missing: Debian packages as root, npm packages into `bench/peers`, both with pinned or the
 * system's own versions.
 *
 * @param tools what the run wants
 * @param progress told in words what is done
 * @returns what cannot be had
 */
export function install(
  tools: readonly Tool[],
  progress: (text: string) => void,
): ReadonlySet<Tool> {
  const missing = tools.filter((tool) => !isThere(tool));
  const packages = missing.flatMap((tool) => (tool === 'npm peers' ? [] : PACKAGES[tool]));
  if (packages.length > 0) {
    progress(`installing ${packages.join(' ')}`);
    installPackages(packages);
  }
  if (missing.includes('npm peers')) {
    progress('installing the npm peers into bench/peers');
    run('npm', ['ci', '--no-audit', '--no-fund'], PEERS);
  }
  const lacking = new Set(missing.filter((tool) => !isThere(tool)));
  for (const tool of lacking) {
    const how =
      tool === 'npm peers' ? 'npm ci in bench/peers' : `install ${PACKAGES[tool].join(' ')}`;
    progress(`going on without ${tool}: ${how}`);
  }
  return lacking;
}
