import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../relay/config/load.ts';
import { startRelay, type RunningRelay } from '../../relay/serve.ts';
import { createTestIssuer, type TestIssuer } from './issuer.ts';
import { createRawUpstream, type RawUpstream } from './raw.ts';

/** A relay on real sockets between an issuer of its own and a lenient upstream. */
export interface RelayBench {
  readonly relay: RunningRelay;
  readonly issuer: TestIssuer;
  readonly upstream: RawUpstream;
  readonly auditDir: string;
  /** The relay's log lines so far. */
  readonly log: readonly string[];
  /** A good token with the scope `read`. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

const AUDIENCE = 'https://relay.test';

/** Starts it for one test; everything is closed with the test. */
export async function createRelayBench(
  t: TestContext,
  options: {
    readonly upstream?: RawUpstream;
    /** YAML under `apis.x`, indented by four spaces, after `upstream` and `rules`. */
    readonly api?: string;
    /** YAML at the top level. */
    readonly top?: string;
    readonly rules?: string;
    /** PEM of the certificate that `tls` names in `top`. */
    readonly ca?: string;
  } = {},
): Promise<RelayBench> {
  const issuer = await createTestIssuer();
  const upstream = options.upstream ?? (await createRawUpstream());
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  const file = join(dir, 'relay.yaml');
  await writeFile(
    file,
    `listen: 127.0.0.1:0
issuers:
  - issuer: ${issuer.issuer}
    audience: [${AUDIENCE}]
    algorithms: [ES256]
apis:
  x:
    path: /x
    upstream: ['${upstream.url}']
    rules:
${options.rules ?? '      - { name: any, allow: { scopes: [read] } }'}
${options.api ?? ''}
audit: { dir: ./audit }
management: { listen: 127.0.0.1:0 }
${options.top ?? ''}
`,
  );
  const log: string[] = [];
  const relay = await startRelay(await loadConfig(file, { env: process.env }), {
    version: '0.0.0-test',
    logTo: { write: (line) => void log.push(line) },
  });
  t.after(async () => {
    await relay.stop();
    await Promise.all([upstream.close(), issuer.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  const bench: RelayBench = {
    relay,
    issuer,
    upstream,
    auditDir: join(dir, 'audit'),
    log,
    token: (claims = {}) => issuer.mint({ aud: AUDIENCE, scope: 'read', ...claims }),
  };
  // The first request would otherwise meet a relay that has not fetched the keys yet.
  const headers = { authorization: `Bearer ${await bench.token()}` };
  for (let attempt = 0; attempt < 50; attempt++) {
    if ((await statusOfGet(`${relay.url}/.latchkey/whoami`, headers, options.ca)) === 200)
      return bench;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the relay did not get ready');
}

function statusOfGet(url: string, headers: Record<string, string>, ca?: string): Promise<number> {
  const { get } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    get(url, { headers, ...(ca === undefined ? {} : { ca }) }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    }).on('error', reject);
  });
}
