import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../relay/config/load.ts';
import { startRelay } from '../../relay/serve.ts';
import { heardLog } from './heard-log.ts';
import { testAudience } from './issuer.ts';
import { type RawUpstream, createRawUpstream } from './raw.ts';

/** An answer, as far as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly challenge: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** A relay on real sockets that takes opaque tokens from one issuer. */
export interface OpaqueRelay {
  readonly url: string;
  readonly upstream: RawUpstream;
  readonly log: readonly string[];
  /** Asks for a path with a token, in the scheme Bearer. */
  get(path: string, token: string): Promise<Answer>;
  /** Each check of /readyz by name. */
  ready(): Promise<{ readonly status: number; readonly text: string }>;
}

/** `/x` takes GET with the scope `read` and POST with `write`. */
const RULES = `      - { name: read, allow: { methods: [GET], scopes: [read], paths: ['/a/**'] } }
      - { name: write, allow: { methods: [GET], scopes: [write], paths: ['/b/**'] } }`;

/** Starts it for one test; everything is closed with the test. */
export async function createOpaqueRelay(
  t: TestContext,
  options: {
    readonly issuer: string;
    /** YAML after `issuer` and `tokens: introspection`, indented by four spaces. */
    readonly yaml: string;
    /** Private files beside the configuration, by name. */
    readonly files?: Readonly<Record<string, string>>;
    /** YAML of other issuers, indented by two spaces. */
    readonly others?: string;
  },
): Promise<OpaqueRelay> {
  const upstream = await createRawUpstream();
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-opaque-'));
  for (const [name, content] of Object.entries(options.files ?? {})) {
    await writeFile(join(dir, name), content);
    await chmod(join(dir, name), 0o600);
  }
  const file = join(dir, 'relay.yaml');
  await writeFile(
    file,
    `listen: 127.0.0.1:0
issuers:
  - issuer: ${options.issuer}
    audience: [${testAudience}]
    tokens: introspection
${options.yaml}
${options.others ?? ''}
apis:
  x:
    path: /x
    upstream: ['${upstream.url}']
    rules:
${RULES}
audit: { dir: ./audit }
management: { listen: 127.0.0.1:0 }
`,
  );
  const log: string[] = [];
  const relay = await startRelay(await loadConfig(file, { env: process.env }), {
    version: '0.0.0-test',
    logTo: heardLog(log),
  });
  t.after(async () => {
    await relay.stop();
    await upstream.close();
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  return {
    url: relay.url,
    upstream,
    log,
    async get(path, token) {
      const response = await fetch(`${relay.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      return {
        status: response.status,
        code: /"code":"([a-z_]+)"/.exec(text)?.[1],
        challenge: response.headers.get('www-authenticate'),
        retryAfter: response.headers.get('retry-after'),
        text,
      };
    },
    async ready() {
      const response = await fetch(`${relay.management ?? ''}/readyz`);
      return { status: response.status, text: await response.text() };
    },
  };
}
