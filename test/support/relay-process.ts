import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { createTestIssuer, type TestIssuer } from './issuer.ts';
import { createRawUpstream, type RawUpstream } from './raw.ts';
import { until } from './until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'relay', 'main.ts');
const AUDIENCE = 'https://relay.test';

/** A relay in processes of its own, between an issuer and a lenient upstream. */
export interface RelayProcess {
  readonly url: string;
  readonly management: string;
  readonly child: ChildProcess;
  readonly issuer: TestIssuer;
  readonly upstream: RawUpstream;
  readonly auditDir: string;
  readonly configFile: string;
  /** Its log lines so far. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  named(event: string): readonly Readonly<Record<string, unknown>>[];
  /** The pid of the newest worker in each place. */
  workers(): readonly number[];
  /** A good token with the scope `read`. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** Ends it, and resolves to its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

interface RelayOptions {
  /** YAML at the top level. */
  readonly top?: string;
  /** YAML under the issuer, indented by four spaces. */
  readonly issuer?: string;
  readonly listen?: string;
  /** The audit's directory, an absolute path. */
  readonly auditDir?: string;
  /** YAML after `dir` in the braces of `audit`: `, sinks: […]`. */
  readonly audit?: string;
  /** YAML of further APIs, indented by two spaces; `UPSTREAM` stands for the upstream's URL. */
  readonly apis?: string;
  /** Node's own options. */
  readonly nodeArgs?: readonly string[];
  readonly upstream?: RawUpstream;
  /** One that runs already: this one gets the same address, issuer and upstream. */
  readonly beside?: RelayProcess;
}

function configText(
  { issuer = '', apis = '', auditDir = './audit', audit = '', top = '' }: RelayOptions,
  at: { readonly listen: string; readonly issuer: string; readonly upstream: string },
): string {
  return `listen: ${at.listen}
issuers:
  - issuer: ${at.issuer}
    audience: [${AUDIENCE}]
    algorithms: [ES256]
${issuer}
apis:
  x:
    path: /x
    upstream: ['${at.upstream}']
    rules:
      - { name: any, allow: { scopes: [read] } }
${apis.replaceAll('UPSTREAM', at.upstream)}
audit: { dir: ${auditDir}${audit} }
management: { listen: 127.0.0.1:0 }
${top}
`;
}

/** Starts `relay/main.ts` and waits until it is ready; everything ends with the test. */
export async function startRelayProcess(
  t: TestContext,
  options: RelayOptions = {},
): Promise<RelayProcess> {
  const { beside } = options;
  const issuer = beside?.issuer ?? (await createTestIssuer());
  const upstream = options.upstream ?? beside?.upstream ?? (await createRawUpstream());
  const listen = options.listen ?? (beside && new URL(beside.url).host) ?? '127.0.0.1:0';
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-process-'));
  const configFile = join(dir, 'relay.yaml');
  await writeFile(
    configFile,
    configText(options, { listen, issuer: issuer.issuer, upstream: upstream.url }),
  );
  const child = spawn(
    process.execPath,
    [...(options.nodeArgs ?? []), MAIN, '--config', configFile],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const events: Record<string, unknown>[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => {
    events.push(JSON.parse(line) as Record<string, unknown>);
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    if (beside === undefined) await Promise.all([upstream.close(), issuer.close()]);
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  const named = (event: string) => events.filter((entry) => entry['event'] === event);
  await until('listening', () => {
    if (child.exitCode !== null) throw new Error(`the relay ended: ${stderr}`);
    return named('listening').length > 0;
  });
  const listening = named('listening')[0] ?? {};
  const management = String(listening['management']);
  await until('ready', async () => (await fetch(`${management}/readyz`)).ok);
  return {
    url: String(listening['url']),
    management,
    child,
    issuer,
    upstream,
    auditDir: options.auditDir ?? join(dir, 'audit'),
    configFile,
    events,
    named,
    workers: () =>
      [...new Map(named('worker_ready').map((one) => [one['worker'], one['pid']])).values()].map(
        Number,
      ),
    token: (claims = {}) => issuer.mint({ aud: AUDIENCE, scope: 'read', ...claims }),
    async metrics() {
      const text = await (await fetch(`${management}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(
        lines.map((line) => {
          const at = line.lastIndexOf(' ');
          return [line.slice(0, at), Number(line.slice(at + 1))];
        }),
      );
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return await exited;
    },
  };
}

/** What clients under load saw. */
export interface Load {
  readonly statuses: ReadonlyMap<number, number>;
  readonly failures: readonly string[];
}

/** Requests without end over raw sockets, kept alive or new for each, until told to stop. */
export function loadWith(
  t: TestContext,
  url: string,
  fields: () => readonly string[],
  options: { readonly clients?: number; readonly keepAlive?: boolean; readonly path?: string } = {},
): { stop(): Promise<Load> } {
  const { hostname, port } = new URL(url);
  const { clients = 8, keepAlive = true, path = '/x/a' } = options;
  const statuses = new Map<number, number>();
  const failures: string[] = [];
  const stopped = new AbortController();
  const one = async (): Promise<void> => {
    const { Agent, request } = await import('node:http');
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    while (!stopped.signal.aborted)
      await new Promise<void>((resolve) => {
        const headers = fields().flatMap((field) => {
          const at = field.indexOf(':');
          return [field.slice(0, at), field.slice(at + 1).trim()];
        });
        const sent = request(
          {
            host: hostname,
            port,
            path,
            agent,
            headers: ['Host', `${hostname}:${port}`, ...headers],
          },
          (answer) => {
            const status = answer.statusCode ?? 0;
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            answer.resume();
            answer.on('close', resolve);
          },
        );
        sent.on('error', (error: NodeJS.ErrnoException) => {
          failures.push(`${error.code} ${error.message}`);
          setTimeout(resolve, 20);
        });
        sent.setTimeout(60_000, () => sent.destroy(new Error('no answer')));
        sent.end();
      });
    agent.destroy();
  };
  t.after(() => stopped.abort());
  const running = Array.from({ length: clients }, one);
  return {
    async stop() {
      stopped.abort();
      await Promise.all(running);
      return { statuses, failures };
    },
  };
}
