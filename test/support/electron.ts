import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { _electron, errors } from 'playwright-core';
import type { ElectronApplication, Page } from 'playwright-core';
import { buildApp } from '../../build/app.ts';
import { electronRuntime, findElectron } from '../../build/electron-runtime.ts';
import type { ElectronRuntime } from '../../build/electron-runtime.ts';
import { until } from './until.ts';

const projectDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const mainFile = join(projectDir, 'dist', 'main', 'main.cjs');
const startTimeoutMs = 60_000;
const startTimeoutsMs = [20_000, 30_000, 40_000, 50_000, 60_000, 60_000];

/** How the app is started. */
export interface LaunchOptions {
  readonly dataDir: string;
  readonly relay?: string;
  /** 0 (default) takes any free port. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The running app. */
export interface LaunchedApp {
  readonly app: ElectronApplication;
  /** Everything that the app wrote to stderr. */
  log(): string;
  /** The window's page; waits for it. */
  page(): Promise<Page>;
  /** Ends the app and waits for it. */
  close(): Promise<void>;
}

/**
 * Why the app's window can't be tested here; with `CI=true` that is an error.
 *
 * @returns the reason, or `false` for {@link https://nodejs.org/api/test.html skip}
 */
export async function electronSkipReason(): Promise<string | false> {
  const reason = await missing();
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason);
  return reason ?? false;
}

async function missing(): Promise<string | undefined> {
  if (process.platform === 'linux' && !process.env['DISPLAY']) {
    return 'no display: start under xvfb-run -a dbus-run-session --';
  }
  try {
    await electronRuntime();
    return undefined;
  } catch (error) {
    return `no Electron runtime: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The arguments with which Electron runs the built app, as a second start would use them. */
export function appArguments(options: LaunchOptions): string[] {
  return [
    '--no-sandbox',
    '--disable-gpu',
    mainFile,
    `--data-dir=${options.dataDir}`,
    `--port=${options.port ?? 0}`,
    ...(options.relay === undefined ? [] : [`--relay=${options.relay}`]),
    ...(options.args ?? []),
  ];
}

/** The environment in which the app runs: no download, no settings of the machine's own person. */
export function appEnvironment(options: LaunchOptions): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !entry[0].startsWith('LATCHKEY_'),
  );
  return { ...Object.fromEntries(inherited), NODE_ENV: 'test', ...options.env };
}

/** The runtime that {@link launchApp} starts. */
export function installedRuntime(): ElectronRuntime {
  const runtime = findElectron();
  if (runtime === undefined) throw new Error('call electronSkipReason() first');
  return runtime;
}

/**
 * Starts the app and attaches to it. Playwright can miss the beginning of a window that is made at the very moment at
 * which it attaches, and then waits for ever: the app is killed and started anew. What holds an app back until
 * Playwright is there would also change its keychain.
 */
async function attached(options: LaunchOptions): Promise<ElectronApplication> {
  for (const [attempt, timeout] of startTimeoutsMs.entries()) {
    try {
      return await _electron.launch({
        executablePath: installedRuntime().executable,
        args: appArguments(options),
        env: appEnvironment(options),
        timeout,
      });
    } catch (error) {
      const isLast = attempt === startTimeoutsMs.length - 1;
      if (isLast || !(error instanceof errors.TimeoutError)) throw error;
    }
  }
  throw new Error('no attempt was made');
}

/**
 * Builds the app if needed and starts it, unpackaged, with the real agent.
 *
 * @param options data directory, relay, port
 * @returns the app; close it
 */
export async function launchApp(options: LaunchOptions): Promise<LaunchedApp> {
  await buildApp();
  let log = '';
  const app = await attached(options);
  const running = app.process();
  running.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return {
    app,
    log: () => log,
    page: () => app.firstWindow({ timeout: startTimeoutMs }),
    async close() {
      const ended = new Promise<void>((resolve) => {
        if (running.exitCode !== null || running.signalCode !== null) resolve();
        else running.once('exit', () => resolve());
      });
      const timer = setTimeout(() => running.kill('SIGKILL'), 60_000);
      await app.close().catch(() => undefined);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Where pictures and logs of a test run go.
 *
 * @param name the file's name
 * @returns its path; the folder exists
 */
export async function testOutput(name: string): Promise<string> {
  const folder = join(projectDir, 'test-output');
  await mkdir(folder, { recursive: true });
  return join(folder, name);
}

/**
 * Asks again until an answer is given.
 *
 * @param what says what was waited for, when it never comes
 * @param ask gives the answer, or undefined for "not yet"
 * @param timeoutMs how long in all
 * @returns the answer
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs?: number,
): Promise<T> {
  let answer: T | undefined;
  const isGiven = async (): Promise<boolean> => {
    answer = await ask();
    return answer !== undefined;
  };
  await until(what, isGiven, { everyMs: 100, ...(timeoutMs !== undefined && { timeoutMs }) });
  return answer as T;
}
