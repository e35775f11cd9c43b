// What `npm test` runs: all tests in a sensible order, one summary at the end. Arguments name test files
// or folders; without any, everything runs.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import type { TestEvent } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';

import { electronRuntime } from './electron-runtime.ts';
import { FINDINGS_VARIABLE, formatLeak, readLeaks, type Finding } from './leaks/findings.ts';
import { displayPrefix, missingTools } from './test-tools.ts';

const root = join(import.meta.dirname, '..');
const order = ['unit', 'attack', 'flow', 'e2e'] as const;
const totals = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'];
const inCi = process.env['CI'] === 'true';

/** A file that leaves a handle open ends with its last test; one that is stuck is killed. */
const neverHang = [
  '--test-force-exit',
  `--import=${pathToFileURL(join(import.meta.dirname, 'test-deadline.ts')).href}`,
];

/** Nothing that a test or its children print may hold token material. */
const watchOutput = `--import=${pathToFileURL(join(import.meta.dirname, 'leaks/watch.ts')).href}`;

type Kind = (typeof order)[number];

function kindOf(file: string): Kind {
  const folder = relative(join(root, 'test'), file).split(sep)[0];
  return order.find((kind) => kind === folder) ?? 'unit';
}

/** They share one screen, one session bus and one tray. */
const DESKTOP = join(root, 'test', 'e2e', 'desktop') + sep;

const isOfDesktop = (file: string): boolean => file.startsWith(DESKTOP);

function filesToRun(args: readonly string[]): readonly string[] {
  const patterns = args.length === 0 ? ['test'] : args;
  const found = patterns.flatMap((pattern) => {
    const folder =
      statSync(resolve(root, pattern), { throwIfNoEntry: false })?.isDirectory() === true;
    return globSync(folder ? `${pattern}/**/*.test.ts` : pattern, { cwd: root });
  });
  const files = [...new Set(found.map((file) => resolve(root, file)))].sort();
  return files.toSorted((a, b) => order.indexOf(kindOf(a)) - order.indexOf(kindOf(b)));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const diagnostic = (message: string): TestEvent => ({
  type: 'test:diagnostic',
  data: { nesting: 0, message, level: 'info' },
});

/** Runs the phases one after the other and passes on their events as if they had been one run. */
function createRunner(files: readonly string[], leaks: () => readonly Finding[]) {
  const sums = new Map<string, number>(totals.map((name) => [name, 0]));
  const skippedEndToEnd: string[] = [];

  /** The run's closing totals are diagnostics of no test: kept back and added up. */
  function isTotal(event: TestEvent): boolean {
    if (event.type !== 'test:diagnostic' || event.data.nesting !== 0) return false;
    const [, name = '', value = ''] = /^(\w+) ([\d.]+)$/.exec(event.data.message) ?? [];
    const sum = sums.get(name);
    if (sum === undefined) return false;
    sums.set(name, sum + Number(value));
    return true;
  }

  function noteSkip(event: TestEvent): void {
    if (event.type !== 'test:pass') return;
    const { skip, name, file } = event.data;
    if (file === undefined || kindOf(file) !== 'e2e') return;
    if (skip === undefined || skip === false) return;
    skippedEndToEnd.push(`${name}: ${skip === true ? 'no reason given' : skip}`);
  }

  async function* events(): AsyncGenerator<TestEvent> {
    const phases = [
      { files: files.filter((file) => !isOfDesktop(file)), concurrency: 3 },
      { files: files.filter(isOfDesktop), concurrency: 1 },
    ];
    let summary: TestEvent | undefined;
    for (const phase of phases) {
      if (phase.files.length === 0) continue;
      const stream = run({ ...phase, cwd: root, execArgv: [...neverHang, watchOutput] });
      for await (const event of stream as AsyncIterable<TestEvent>) {
        noteSkip(event);
        if (isTotal(event)) continue;
        if (event.type === 'test:summary' && event.data.file === undefined) summary = event;
        else yield event;
      }
    }
    for (const leak of leaks()) yield diagnostic(`leaked ${formatLeak(leak)}`);
    if (inCi && skippedEndToEnd.length > 0) {
      yield diagnostic(`CI=true: these were skipped, which is a failure here`);
      for (const line of skippedEndToEnd) yield diagnostic(`  ${line}`);
    }
    for (const [name, sum] of sums) {
      yield diagnostic(`${name} ${name === 'duration_ms' ? Math.round(sum) : sum}`);
    }
    if (summary !== undefined) yield summary;
  }

  return {
    events,
    failed: (): boolean => (sums.get('fail') ?? 0) + (sums.get('cancelled') ?? 0) > 0,
    ranNothing: (): boolean => sums.get('tests') === 0,
    skippedEndToEnd,
  };
}

/** Starts this script again below Xvfb and a D-Bus session. */
function runBelow(prefix: readonly string[]): Promise<number> {
  const [command = '', ...words] = prefix;
  const args = [...words, process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, LATCHKEY_TEST_BELOW: '1' };
  const child = spawn(command, args, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function missingForEndToEnd(): Promise<boolean> {
  const missing = await missingTools(process.env, () => electronRuntime({ say }));
  for (const { name, reason } of missing) {
    say(
      `npm test: no ${name.replace(/^an? /, '')}; the e2e tests that need it are skipped: ${reason}`,
    );
  }
  return missing.length > 0;
}

async function main(): Promise<number> {
  const files = filesToRun(process.argv.slice(2));
  if (files.length === 0) {
    say('npm test: no test file matches; give paths such as test/wire or test/demo/idp.test.ts');
    return 2;
  }
  const endToEnd = files.some((file) => kindOf(file) === 'e2e');
  const prefix = endToEnd && !process.env['LATCHKEY_TEST_BELOW'] ? displayPrefix() : [];
  if (prefix.length > 0) return runBelow(prefix);

  const missing = endToEnd && (await missingForEndToEnd());
  const scratch = mkdtempSync(join(tmpdir(), 'latchkey-tests-'));
  const path = join(scratch, 'found');
  process.env[FINDINGS_VARIABLE] = path;
  // Hundreds of processes load the same modules: the first to compile one does it for all.
  process.env['NODE_COMPILE_CACHE'] ??= join(scratch, 'compiled');
  const leaks = (): readonly Finding[] => readLeaks(path);
  const runner = createRunner(files, leaks);
  await pipeline(Readable.from(runner.events()), new spec(), process.stdout, { end: false });
  const skipped = inCi && (missing || runner.skippedEndToEnd.length > 0);
  const leaked = leaks().length;
  rmSync(scratch, { recursive: true, force: true });
  if (leaked > 0) say(`npm test: secrets in the output of tests (${leaked}); see "leaked" above`);
  return runner.failed() || runner.ranNothing() || skipped || leaked > 0 ? 1 : 0;
}

process.exitCode = await main();
