// What `npm run dist` runs: bundles the app and packs it into this platform's installers. Where the
// official Electron cannot be had it makes a test build, and says so first and last.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'electron-builder';
import type { CliOptions, Configuration } from 'electron-builder';
import manifest from '../package.json' with { type: 'json' };
import { electronRuntime } from './electron-runtime.ts';
import { releaseConfig, testConfig } from './packaging/config.ts';
import { planDist } from './packaging/plan.ts';
import type { DistPlan } from './packaging/plan.ts';
import { inPath } from './test-tools.ts';

const root = dirname(import.meta.dirname);
const usage = `usage: npm run dist -- [--dir] [--out FOLDER] [--skip-build]
  --dir         only the unpacked app, no installer
  --out FOLDER  where to write; release/ when left out
  --skip-build  pack dist/ as it is`;
/** electron-builder's names of the platforms. */
const platformKeys = { linux: 'linux', win32: 'win', darwin: 'mac' } as const;

interface DistOptions {
  readonly dirOnly: boolean;
  readonly outDir: string;
  readonly skipBuild: boolean;
}

interface Runtime {
  readonly version: string;
  readonly official: boolean;
  readonly dist: string;
  readonly native?: string;
}

const say = (line: string): void => void process.stderr.write(`dist: ${line}\n`);

function readOptions(args: readonly string[]): DistOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        dir: { type: 'boolean', default: false },
        out: { type: 'string', default: 'release' },
        'skip-build': { type: 'boolean', default: false },
      },
    });
    if (values.out === '') throw new Error('--out needs a folder');
    const outDir = resolve(root, values.out);
    return { dirOnly: values.dir, outDir, skipBuild: values['skip-build'] };
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function findRuntime(): Promise<Runtime> {
  const { dist, native } = await electronRuntime({ say });
  const version = (await readFile(join(dist, 'version'), 'utf8')).trim().replace(/^v/, '');
  const official = version === manifest.devDependencies.electron && native === undefined;
  return { version, official, dist, ...(native === undefined ? {} : { native }) };
}

async function bundle(): Promise<void> {
  say('bundling the app');
  const script = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  const code = await new Promise<number | null>((done, failed) => {
    const child = spawn(process.execPath, [script, 'build'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    child.once('error', failed);
    child.once('close', done);
  });
  if (code !== 0) throw new Error('electron-vite build failed; its reason is above');
}

function announce(plan: Exclude<DistPlan, { kind: 'impossible' }>): void {
  if (plan.kind === 'release') return say(`building ${plan.targets.join(', ')}`);
  say(
    `TEST BUILD on Electron ${plan.electronVersion} in place of ${manifest.devDependencies.electron}, ` +
      'which this machine cannot get. Never ship it: this Electron gets no security fixes.',
  );
  say(`building ${plan.targets.join(', ')}`);
  for (const { target, reason } of plan.leftOut) say(`leaving out ${target}: ${reason}`);
}

/** What electron-builder and the tools it starts are to find in the environment. */
function prepareEnvironment(plan: DistPlan): void {
  // The shim is TypeScript: `node` in its first line must be the Node that runs this script.
  process.env['PATH'] = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  if (plan.kind !== 'test') return;
  process.env['CUSTOM_FPM_PATH'] = join(root, 'build', 'packaging', 'fpm-shim.ts');
  process.env['LATCHKEY_DEB_LEVEL'] ??= '1';
}

async function pack(
  plan: Exclude<DistPlan, { kind: 'impossible' }>,
  runtime: Runtime,
  options: DistOptions,
): Promise<readonly string[]> {
  const release = await releaseConfig(root);
  const base = plan.kind === 'release' ? release : testConfig(release, runtime);
  const config: Configuration = {
    ...base,
    directories: { ...base.directories, output: options.outDir },
  };
  const key = platformKeys[process.platform as keyof typeof platformKeys];
  const platformTargets = options.dirOnly ? { dir: true, [key]: [] } : { [key]: targets(plan) };
  const work = await mkdtemp(join(tmpdir(), 'latchkey-dist-'));
  try {
    // A file, because electron-builder would merge an object into electron-builder.yml.
    const configFile = join(work, 'electron-builder.json');
    await writeFile(configFile, JSON.stringify(config));
    const request: CliOptions = { ...platformTargets, projectDir: root, config: configFile };
    return await build({ ...request, publish: 'never' });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A release takes targets and architectures from the yml; a test build names its own. */
const targets = (plan: Exclude<DistPlan, { kind: 'impossible' }>): string[] =>
  plan.kind === 'release' ? [] : [...plan.targets];

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) return 2;
  const runtime = await findRuntime();
  const { platform } = process;
  const plan = planDist({ platform, electron: runtime, dirOnly: options.dirOnly, has: inPath });
  if (plan.kind === 'impossible') {
    say(plan.reason);
    return 1;
  }
  announce(plan);
  if (!options.skipBuild) await bundle();
  else if (!existsSync(join(root, 'dist', 'main', 'main.cjs'))) {
    throw new Error('dist/ holds no bundle; run without --skip-build');
  }
  prepareEnvironment(plan);
  // Hooks are named by paths that electron-builder takes from here.
  process.chdir(root);
  const artifacts = await pack(plan, runtime, options);
  const made = artifacts.length > 0 ? artifacts : [options.outDir];
  for (const file of made) process.stdout.write(`${relative(process.cwd(), file)}\n`);
  if (plan.kind === 'test')
    say('this was a TEST BUILD, never to be shipped (see docs/packaging.md)');
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
