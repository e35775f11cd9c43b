import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { inPath } from '../../build/test-tools.ts';
import { startCompany } from '../../demo/company.ts';
import { listenOnLoopback } from '../../demo/listen.ts';
import { seatAgent } from './step-up-company.ts';

/** An internal API of the test's own, `<name>.internal.example.com`; who may read bills may use all of it. */
export interface InternalApi {
  readonly name: string;
  /** Not listening yet. */
  readonly server: Server;
  /** True when it serves below `/<name>`, as it does behind the relay; default: at the root. */
  readonly keepsPath?: boolean;
}

/** What a tool said, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A signed-in person's local port, and an empty home for the tools that use it. */
export interface ToolBench {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `http://localhost:PORT`, as people write it. */
  readonly localhost: string;
  readonly port: string;
  /** The agent's; its socket is in there. */
  readonly dataDir: string;
  /** The working and home directory of all tools; removed at the end. */
  readonly home: string;
  /** Runs a tool to its end, for a limited time; resolves whatever its exit code is. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<Ran>;
}

/** How a tool is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Default: 120 000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 120_000;

/** The workplace's own settings of a tool (proxies, .netrc, .npmrc, .gitconfig) are no part of a test. */
function cleanEnv(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/proxy|^(?:npm_|NODE_|GIT_|PYTHON|JAVA_|JDK_|CURL_)/i.test(name),
  );
  return { ...Object.fromEntries(kept), HOME: home, LC_ALL: 'C.UTF-8' };
}

function run(
  command: string,
  args: readonly string[],
  home: string,
  options: RunOptions,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: home,
      env: { ...cleanEnv(home), ...options.env },
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // A tool that ends without reading its input is no fault.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

function apiConfig(name: string, url: string, keepsPath: boolean): string {
  return `  ${name}:
    upstream: ['${url}']
    stripPath: ${!keepsPath}
    hosts: [${name}.internal.example.com]
    rules:
      - { name: any, allow: { scopes: [billing.read] } }
`;
}

async function writeConfig(dir: string, apis: readonly string[]): Promise<string> {
  const demo = await readFile(join(import.meta.dirname, '../../demo/relay.yaml'), 'utf8');
  const file = join(dir, 'relay.yaml');
  await writeFile(file, demo.replace(/^audit:/m, `${apis.join('')}\naudit:`));
  return file;
}

/**
 * Starts the demo company with further APIs, and an agent that Alice has signed in to, once for a `describe`.
 *
 * @param apis the further APIs
 * @returns a function that gives the bench; call it inside tests
 */
export function useTools(...apis: readonly InternalApi[]): () => ToolBench {
  let bench: ToolBench | undefined;
  const closing: (() => Promise<unknown>)[] = [];
  before(async () => {
    const home = await mkdtemp(join(tmpdir(), 'latchkey-tools-'));
    closing.unshift(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
    const config: string[] = [];
    for (const { name, server, keepsPath = false } of apis) {
      const listening = await listenOnLoopback(server, 0);
      closing.unshift(() => listening.close());
      config.push(apiConfig(name, listening.url, keepsPath));
    }
    const company = await startCompany({ configFile: await writeConfig(home, config) });
    closing.unshift(() => company.close());
    const agent = await seatAgent(company.relayUrl);
    closing.unshift(() => agent.close());
    const { port } = new URL(agent.url);
    bench = {
      url: agent.url,
      localhost: `http://localhost:${port}`,
      port,
      dataDir: agent.dataDir,
      home,
      run: (command, args, options = {}) => run(command, args, home, options),
    };
  });
  after(async () => {
    for (const close of closing) await close();
  });
  return () => {
    if (bench === undefined) throw new Error('the bench has not started');
    return bench;
  };
}

/**
 * Why tests with a tool can't run here; with `CI=true` that is an error.
 *
 * @param program what must be in PATH
 * @param debianPackage the package that has it
 * @returns the reason, or `false` for {@link https://nodejs.org/api/test.html skip}
 */
export function skipWithout(program: string, debianPackage: string): string | false {
  return inPath(program) ? false : skip(`no ${program}: install the package ${debianPackage}`);
}

/** Debian's own Python: another one may come first in PATH, without Debian's libraries. */
export const PYTHON = '/usr/bin/python3';

/**
 * Why tests with a Python library can't run here; with `CI=true` that is an error.
 *
 * @param library what {@link PYTHON} must be able to import
 * @param debianPackage the package that has it
 * @returns the reason, or `false`
 */
export function skipWithoutPython(library: string, debianPackage: string): string | false {
  try {
    execFileSync(PYTHON, ['-c', `import ${library}`], { stdio: 'ignore' });
    return false;
  } catch {
    return skip(`no ${library} for ${PYTHON}: install the package ${debianPackage}`);
  }
}

function skip(reason: string): string {
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}
