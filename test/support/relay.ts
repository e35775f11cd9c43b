import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RelayConfig } from '../../relay/config/config.ts';
import { loadConfig } from '../../relay/config/load.ts';
import { startRelay, type RunningRelay } from '../../relay/serve.ts';
import { heardLog } from './heard-log.ts';
import { createTestIssuer, type TestIssuer } from './issuer.ts';
import { createRawUpstream, type RawUpstream } from './raw.ts';
import { until } from './until.ts';

/** A relay on real sockets between an issuer of its own and a lenient upstream. */
export interface RelayBench {
  readonly relay: RunningRelay;
  readonly issuer: TestIssuer;
  readonly upstream: RawUpstream;
  readonly auditDir: string;
  /** The relay.yaml that it was started with; it is watched. */
  readonly configFile: string;
  /** The relay's log lines so far. */
  readonly log: readonly string[];
  /** A good token with the scope `read`. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

const AUDIENCE = 'https://relay.test';

/** Starts it for one test; everything is closed with the test. */
export async function createRelayBench(
  t: { after(close: () => Promise<void>): void },
  options: {
    readonly upstream?: RawUpstream;
    /** In place of a free port of 127.0.0.1. */
    readonly listen?: string;
    /** In place of that one's URL. */
    readonly upstreams?: readonly string[];
    /** Changes what the file says. */
    readonly config?: (config: RelayConfig) => RelayConfig;
    /** YAML under the issuer, indented by four spaces. */
    readonly issuer?: string;
    /** YAML under `apis.x`, indented by four spaces, after `upstream` and `rules`. */
    readonly api?: string;
    /** YAML after `dir` in the braces of `audit`: `, sinks: […]`. */
    readonly audit?: string;
    /** YAML in place of a management listener on a free port. */
    readonly management?: string;
    /** YAML at the top level. */
    readonly top?: string;
    readonly rules?: string;
  } = {},
): Promise<RelayBench> {
  const issuer = await createTestIssuer();
  const upstream = options.upstream ?? (await createRawUpstream());
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  const file = join(dir, 'relay.yaml');
  await writeFile(
    file,
    `listen: ${options.listen ?? '127.0.0.1:0'}
issuers:
  - issuer: ${issuer.issuer}
    audience: [${AUDIENCE}]
    algorithms: [ES256]
${options.issuer ?? ''}
apis:
  x:
    path: /x
    upstream: [${(options.upstreams ?? [upstream.url]).map((url) => `'${url}'`).join(', ')}]
    rules:
${options.rules ?? '      - { name: any, allow: { scopes: [read] } }'}
${options.api ?? ''}
audit: { dir: ./audit${options.audit ?? ''} }
management: ${options.management ?? '{ listen: 127.0.0.1:0 }'}
${options.top ?? ''}
`,
  );
  const log: string[] = [];
  const load = async (): Promise<RelayConfig> => {
    const config = await loadConfig(file, { env: process.env });
    return options.config?.(config) ?? config;
  };
  let relay: RunningRelay | undefined;
  t.after(async () => {
    await relay?.stop();
    await Promise.all([upstream.close(), issuer.close()]);
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  relay = await startRelay(await load(), {
    load,
    version: '0.0.0-test',
    logTo: heardLog(log),
  });
  const bench: RelayBench = {
    relay,
    issuer,
    upstream,
    auditDir: join(dir, 'audit'),
    configFile: file,
    log,
    token: (claims = {}) => issuer.mint({ aud: AUDIENCE, scope: 'read', ...claims }),
  };
  // The first request would otherwise meet a relay that has not fetched the keys yet.
  const { management } = relay;
  await until('the relay is ready', async () => (await fetch(`${management}/readyz`)).ok);
  return bench;
}
