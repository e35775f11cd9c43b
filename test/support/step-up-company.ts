import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { WebSocketServer } from 'ws';
import type { AgentDeps } from '../../app/main/agent/agent-deps.ts';
import type { Agent } from '../../app/main/agent/agent-interface.ts';
import { createAgent } from '../../app/main/agent/agent.ts';
import { createLog } from '../../app/main/agent/log.ts';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import { startCompany, type Company } from '../../demo/company.ts';
import { signInWithFetch } from './sign-in.ts';

/** One request that reached the API. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly body: Buffer;
}

/** What a person does with a tab that opens. */
export type Person = (url: string) => Promise<unknown>;

/** The demo company with an API of the test's own, some of which needs a second step. */
export interface StepUpCompany {
  readonly company: Company;
  readonly received: Received[];
  /** Answers in place of `done`. */
  answer?: RequestListener;
}

/** An agent in this process, and who sits in front of it. */
export interface SeatedAgent {
  readonly agent: Agent;
  readonly url: string;
  readonly dataDir: string;
  /** The address of each tab that was opened. */
  readonly tabs: string[];
  readonly notices: string[];
  readonly statuses: string[];
  person: Person;
}

const RULES = `
      - { name: plain, allow: { paths: [/plain], scopes: [billing.read] } }
      - { name: transfer, allow: { paths: [/transfer, /socket], scopes: [billing.read], acr: [mfa], maxAge: 15m } }
      - { name: never, allow: { paths: [/never], scopes: [billing.read], acr: [retina] } }
`;

const alice: Person = (url) => signInWithFetch(url, 'alice', 'alice-demo');

/**
 * Starts the company once for a `describe`.
 *
 * @returns a function that gives it; call it inside tests
 */
export function useStepUpCompany(): () => StepUpCompany {
  let bench: StepUpCompany | undefined;
  const closing: (() => Promise<unknown>)[] = [];
  before(async () => {
    const received: Received[] = [];
    const api = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        note(request, Buffer.concat(chunks));
        if (bench?.answer) bench.answer(request, response);
        else response.end('done');
      });
    });
    const note = ({ method = '', url = '' }: IncomingMessage, body: Buffer): void =>
      void received.push({ method, url, body });
    const sockets = new WebSocketServer({ server: api });
    sockets.on('connection', (socket, request) => {
      note(request, Buffer.alloc(0));
      socket.on('message', (data: Buffer) => socket.send(data));
    });
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    closing.push(async () => {
      for (const socket of sockets.clients) socket.terminate();
      api.closeAllConnections();
      api.close();
      await once(api, 'close');
    });
    const dir = await mkdtemp(join(tmpdir(), 'latchkey-step-up-'));
    closing.push(() => rm(dir, { recursive: true, force: true }));
    const demo = await readFile('demo/relay.yaml', 'utf8');
    const { port } = api.address() as AddressInfo;
    const configFile = join(dir, 'relay.yaml');
    await writeFile(
      configFile,
      demo
        .replace("['${DEMO_BILLING}']", `['http://127.0.0.1:${port}']`)
        .replace(/( {4}rules:.*\n)/, `$1${RULES.slice(1)}`),
    );
    const company = await startCompany({ configFile });
    closing.unshift(() => company.close());
    bench = { company, received };
  });
  after(async () => {
    for (const close of closing) await close();
  });
  return () => {
    if (bench === undefined) throw new Error('the company has not started');
    return bench;
  };
}

/**
 * Starts an agent in this process with Alice in front of it.
 *
 * @param relay the relay's address
 * @param changes the settings of `signIn`, and the agent's other deps
 * @returns the agent, signed in with her password
 */
export async function seatAgent(
  relay: string,
  changes: {
    readonly signIn?: { readonly auto?: boolean; readonly waitSeconds?: number };
    readonly deps?: Partial<AgentDeps>;
  } = {},
): Promise<SeatedAgent & { close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-seated-'));
  await writeFile(join(dataDir, 'settings.json'), JSON.stringify({ signIn: changes.signIn ?? {} }));
  const seat = { tabs: [] as string[], notices: [] as string[], statuses: [] as string[] };
  let person = alice;
  const agent = createAgent({
    dataDir,
    settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
    vaultAt: createMemoryVault,
    openBrowser: (url) => {
      seat.tabs.push(url);
      person(url).catch(() => undefined);
      return Promise.resolve();
    },
    notify: (fault) => seat.notices.push(fault.message),
    version: '0.0.0-test',
    log: createLog({ level: 'debug', destination: { write: () => undefined } }),
    port: 0,
    relay,
    ...changes.deps,
  });
  agent.onChange(({ status }) => seat.statuses.push(status));
  await agent.start();
  try {
    await agent.signIn();
  } catch (error) {
    await agent.close();
    throw error;
  }
  seat.tabs.length = 0;
  seat.statuses.length = 0;
  return {
    ...seat,
    agent,
    dataDir,
    url: agent.snapshot().localUrl ?? '',
    get person() {
      return person;
    },
    set person(next: Person) {
      person = next;
    },
    async close() {
      await agent.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
