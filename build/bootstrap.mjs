// What `npm start`, `npm test` and the commands run first, on whatever Node the system has (18 or newer), with no
// dependency: it installs the pinned packages when they are missing or not those of the lock file, then
// runs the given script on the pinned Node. stdout stays free for that script.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestMajor = 18;

function fail(message, code) {
  process.stderr.write(`latchkey: ${message}\n`);
  process.exit(code);
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
}

/** Why the installed packages are not those of the lock file; undefined when they are. */
function staleReason() {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'dependencies are not installed';
  if (pinnedNode() === undefined) return 'the pinned Node is not installed';
  let installed;
  try {
    installed = readPackages(installedFile);
  } catch {
    return 'node_modules is damaged';
  }
  const wanted = readPackages(join(root, 'package-lock.json'));
  for (const [path, entry] of Object.entries(wanted)) {
    // packages for other platforms are in the lock file and never on the disk
    if (path === '' || (entry.optional === true && installed[path] === undefined)) continue;
    const there = installed[path];
    if (there === undefined) return `${path} is not installed`;
    if (there.version !== entry.version || there.integrity !== entry.integrity) {
      return `${path} is not ${entry.version}`;
    }
  }
  const extra = Object.keys(installed).find((path) => wanted[path] === undefined);
  return extra === undefined ? undefined : `${extra} is no longer wanted`;
}

function pinnedNode() {
  const bin = join(root, 'node_modules', 'node', 'bin');
  return [join(bin, 'node'), join(bin, 'node.exe')].find((path) => existsSync(path));
}

function install(reason) {
  process.stderr.write(`latchkey: ${reason}; running npm ci (once, a minute or two) …\n`);
  const npm = process.env.npm_execpath;
  const throughNode = npm !== undefined && /\.[cm]?js$/.test(npm);
  const [command, args] = throughNode ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']];
  // npm's own output goes to stderr, both streams
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && !throughNode,
  });
  if (result.error?.code === 'ENOENT') fail('npm is not installed or not in PATH', 1);
  if (result.status !== 0) {
    fail(
      'npm ci failed (its reason is above). It needs the npm registry once: check the network or ' +
        'the registry and proxy settings of npm, then run the same command again.',
      1,
    );
  }
  if (pinnedNode() === undefined) {
    fail('npm ci left no Node in node_modules/node: is ignore-scripts set in npm’s settings?', 1);
  }
}

function run(script, args) {
  const child = spawn(pinnedNode(), [script, ...args], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  if (process.env.npm_lifecycle_event !== undefined) stopWithNpm(child);
  child.once('error', (error) => fail(`the pinned Node cannot be started: ${error.message}`, 1));
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

/**
 * npm hands a signal to the shell between it and us; most shells then end without telling us. That our
 * parent is gone is all there is to see of it.
 */
function stopWithNpm(child) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 250).unref();
}

const [script, ...args] = process.argv.slice(2);
const major = Number(process.versions.node.split('.')[0]);
if (major < oldestMajor) {
  fail(
    `Node ${oldestMajor} or newer is needed to begin with; this is ${process.versions.node}.`,
    1,
  );
}
if (script === undefined) fail('usage: node build/bootstrap.mjs SCRIPT [ARGUMENTS]', 2);
const reason = staleReason();
if (reason !== undefined) install(reason);
run(script, args);
