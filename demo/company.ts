import { NODE_OPTIONS } from '../relay/prepare-process.ts';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ChildProcess } from 'node:child_process';

import { createBilling } from './billing.ts';
import { freePorts, startChild, tetheredScript } from './child.ts';
import type { Child, ChildEnd } from './child.ts';
import { createIdentityProvider } from './idp.ts';
import { createLegacy } from './legacy.ts';
import { people } from './people.ts';
import type { Person } from './people.ts';

/** What may be chosen of the company; every member has a default. */
export interface CompanyOptions {
  /** Default: any free port. */
  readonly relayPort?: number;
  /** Where the relay keeps its audit; default: a temporary directory, removed at the end. */
  readonly dataDir?: string;
  /** Life of access tokens in seconds; default `DEMO_TOKEN_SECONDS` or 300. */
  readonly tokenSeconds?: number;
  readonly ports?: {
    readonly issuer?: number;
    readonly billing?: number;
    readonly legacy?: number;
    readonly management?: number;
  };
  /** Another relay.yaml than the demo's; the same `${DEMO_…}` names are set. */
  readonly configFile?: string;
}

/** The demo company, running. */
export interface Company {
  readonly issuer: string;
  readonly relayUrl: string;
  readonly managementUrl: string;
  readonly billingUrl: string;
  readonly legacyUrl: string;
  readonly dataDir: string;
  /** The relay's audit directory. */
  readonly auditDir: string;
  readonly configFile: string;
  /** The `DEMO_…` variables that the relay's configuration file refers to. */
  readonly relayEnv: Readonly<Record<string, string>>;
  readonly people: readonly Pick<Person, 'user' | 'password' | 'name'>[];
  /** The relay's process of the moment: another one after a restart. */
  readonly relay: ChildProcess;
  /** Resolves when the relay of the moment ends without having been asked to. */
  readonly crashed: Promise<ChildEnd>;
  /** Stops the relay with the signal and leaves it stopped. */
  stopRelay(signal?: NodeJS.Signals): Promise<ChildEnd>;
  /** Ends the relay with the signal (default SIGTERM) and starts another on the same ports. */
  restartRelay(signal?: NodeJS.Signals): Promise<void>;
  /** The latest lines that the relay wrote. */
  logs(): readonly string[];
  close(): Promise<void>;
}

const relayStartMs = 60_000;

function tokenLife(options: CompanyOptions): number {
  const seconds = options.tokenSeconds ?? Number(process.env['DEMO_TOKEN_SECONDS'] ?? 300);
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new Error('DEMO_TOKEN_SECONDS must be a whole number of seconds, 1 or more');
}

function prepareDataDir(chosen: string | undefined, payrollPassword: string): string {
  const dataDir = chosen ?? mkdtempSync(join(tmpdir(), 'latchkey-demo-'));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dataDir, 'payroll-password');
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${payrollPassword}\n`, { mode: 0o600 });
  return dataDir;
}

/** The relay of the moment, and the knowledge whether its end was wanted. */
function createRelayKeeper(configFile: string, env: Readonly<Record<string, string>>) {
  let reportCrash: (end: ChildEnd) => void = () => undefined;
  const crashed = new Promise<ChildEnd>((resolve) => {
    reportCrash = resolve;
  });
  let wanted = false;
  let child: Child | undefined;

  async function start(): Promise<void> {
    wanted = false;
    const started = startChild({
      name: 'relay',
      command: process.execPath,
      args: [...NODE_OPTIONS, ...tetheredScript('relay/main.ts', ['--config', configFile])],
      env,
    });
    child = started;
    await started.event('listening', relayStartMs);
    void started.ended.then((end) => {
      if (!wanted) reportCrash(end);
    });
  }

  return {
    start,
    crashed,
    current(): Child {
      if (child === undefined) throw new Error('the relay was never started');
      return child;
    },
    async stop(signal?: NodeJS.Signals): Promise<ChildEnd> {
      wanted = true;
      return child === undefined ? { code: 0, signal: null } : child.stop(signal);
    },
  };
}

/**
 * Starts the demo company: identity provider and two internal APIs in this process, the relay as a child.
 * Everything binds to loopback only.
 *
 * @param options ports, data directory, token life
 * @returns the running company; call `close` in the end
 * @throws {Error} when the relay doesn't start; the message ends with what it said
 */
export async function startCompany(options: CompanyOptions = {}): Promise<Company> {
  const payrollPassword = randomBytes(18).toString('base64url');
  const tokenSeconds = tokenLife(options);
  const dataDir = prepareDataDir(options.dataDir, payrollPassword);
  const configFile = options.configFile ?? 'demo/relay.yaml';
  const [anyRelay = 0, anyManagement = 0] = await freePorts(2);
  const relayPort = options.relayPort ?? anyRelay;
  const managementPort = options.ports?.management ?? anyManagement;
  const relayUrl = `http://127.0.0.1:${relayPort}`;
  const opened: { close(): Promise<void> }[] = [];

  async function open<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    opened.unshift(server);
    return server;
  }

  async function close(): Promise<void> {
    for (const server of opened) await server.close();
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  }

  try {
    const { issuer: port = 0 } = options.ports ?? {};
    const backchannelLogoutUri = `${relayUrl}/.latchkey/backchannel-logout`;
    const resources = [relayUrl];
    const idp = await open(
      createIdentityProvider({ port, tokenSeconds, resources, backchannelLogoutUri }),
    );
    const billing = await open(createBilling({ port: options.ports?.billing ?? 0 }));
    const account = { username: 'latchkey', password: payrollPassword };
    const legacy = await open(createLegacy({ port: options.ports?.legacy ?? 0, ...account }));
    const relayEnv = {
      DEMO_ISSUER: idp.issuer,
      DEMO_RELAY_PORT: String(relayPort),
      DEMO_MANAGEMENT_PORT: String(managementPort),
      DEMO_BILLING: billing.url,
      DEMO_LEGACY: legacy.url,
      DEMO_DATA: dataDir,
    };
    const relay = createRelayKeeper(configFile, relayEnv);
    opened.unshift({ close: async () => void (await relay.stop()) });
    await relay.start();
    return {
      issuer: idp.issuer,
      relayUrl,
      managementUrl: `http://127.0.0.1:${managementPort}`,
      billingUrl: billing.url,
      legacyUrl: legacy.url,
      dataDir,
      auditDir: join(dataDir, 'relay-audit'),
      configFile,
      relayEnv,
      people: people.map(({ user, password, name }) => ({ user, password, name })),
      get relay() {
        return relay.current().process;
      },
      crashed: relay.crashed,
      stopRelay: (signal) => relay.stop(signal),
      async restartRelay(signal) {
        await relay.stop(signal);
        await relay.start();
      },
      logs: () => relay.current().logs(),
      close,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}
