import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { appCommand } from './app-process.ts';
import type { AppCommand } from './app-process.ts';
import { describeEnd, root, startChild } from './child.ts';
import type { Child } from './child.ts';
import { startCompany } from './company.ts';
import type { Company } from './company.ts';

const usage = `usage: npm start -- [--headless] [--no-browser] [--port N]

  --headless     run the agent without a window, even where there is a display
  --no-browser   print the sign-in URL instead of opening the browser
  --port N       the local port of the app (default 5390; 0: any free one)
`;

const appStartMs = 30_000;
/** Apart from a real installation's state; tests choose a folder of their own. */
const stateDir = resolve(process.env['DEMO_STATE_DIR'] ?? join(root, '.latchkey-demo'));

interface Options {
  readonly headless: boolean;
  readonly browser: boolean;
  readonly port: number;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function readOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        headless: { type: 'boolean', default: false },
        'no-browser': { type: 'boolean', default: false },
        port: { type: 'string', default: '5390' },
      },
    });
    const port = /^\d+$/.test(values.port) ? Number(values.port) : Number.NaN;
    if (!(port <= 65_535)) throw new Error(`--port ${values.port}: a number from 0 to 65535`);
    return { headless: values.headless, browser: !values['no-browser'], port };
  } catch (error) {
    say(`${error instanceof Error ? error.message : 'bad usage'}\n\n${usage}`);
    return undefined;
  }
}

function banner(company: Company, app: AppCommand, localUrl: string): string {
  const person = (entry: Company['people'][number]): string =>
    `    ${entry.user.padEnd(8)} ${entry.password.padEnd(12)} ${entry.name}`;
  const started =
    app.kind === 'tray'
      ? 'the tray app'
      : `the headless agent${app.reason === undefined ? '' : ` (${app.reason})`}`;
  return `
  Latchkey demo: a small made-up company on this computer. Loopback only; nothing here is real.

  Running: identity provider ${company.issuer}
           relay             ${company.relayUrl} (management and console ${company.managementUrl}/)
           ${started} at ${localUrl}

  Sign in as (user name, password):
${company.people.map(person).join('\n')}

  Then try:
    curl ${localUrl}/billing/invoices
    curl -X POST ${localUrl}/billing/invoices/INV-1002/approve      (alice may, after a second step in the browser; bob lacks the scope)
    curl ${localUrl}/payroll/payslips                               (carol only)

  Ctrl-C stops everything.
`;
}

/** Resolves when a person or the system asks to stop. */
function stopRequested(): Promise<'stop'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // stays installed: a terminal sends Ctrl-C to the whole group and npm sends it once more
      process.on(signal, () => resolve('stop'));
    }
  });
}

function startApp(command: AppCommand): Child {
  return startChild({
    name: command.kind === 'tray' ? 'tray app' : 'agent',
    command: command.command,
    args: command.args,
    env: command.env,
    onStdout: (line) => process.stdout.write(`${line}\n`),
    onStderr: say,
  });
}

async function serve(options: Options, company: Company, stop: Promise<'stop'>): Promise<number> {
  const dataDir = join(stateDir, 'app');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const command = await appCommand({ ...options, relayUrl: company.relayUrl, dataDir });
  const app = startApp(command);
  try {
    const listening = app.event('listening', appStartMs);
    const ended = app.ended.then((end) => {
      // the tray's own "Quit" is a wish, not a crash
      if (command.kind === 'tray' && end.code === 0) return 'stop';
      return `the ${app.name} ${describeEnd(end)}`;
    });
    const crashed = company.crashed.then((end) => `the relay ${describeEnd(end)}`);
    // what a failing app said is on stderr already
    const failed = listening.catch((error: unknown) => {
      if (app.process.exitCode !== null) return ended;
      throw error;
    });
    const first = await Promise.race([failed, stop, crashed]);
    if (typeof first === 'object') {
      const url = first['local'] ?? first['url'];
      const { issuer, relayUrl, people } = company;
      process.stdout.write(
        `${JSON.stringify({ event: 'demo', app: command.kind, issuer, relay: relayUrl, people })}\n`,
      );
      say(banner(company, command, typeof url === 'string' ? url : 'an unknown URL'));
    }
    const reason = await Promise.race([stop, ended, crashed]);
    if (reason === 'stop') return 0;
    say(`latchkey demo: ${reason}; stopping everything.`);
    if (reason.startsWith('the relay')) say(company.logs().slice(-20).join('\n'));
    return 1;
  } finally {
    await app.stop();
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) return 2;
  const stop = stopRequested();
  const dataDir = join(stateDir, 'company');
  const company = await startCompany({ dataDir });
  try {
    return await serve(options, company, stop);
  } finally {
    await company.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`latchkey demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
