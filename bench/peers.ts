import { createTestIssuer, testAudience, type TestIssuer } from '../test/support/issuer.ts';
import { startAppPeer } from './app-peer.ts';
import { createOpened, type Opened } from './opened.ts';
import type { Peer, Refusal } from './peer.ts';
import { API_PATH, writeRelayFile } from './relay-file.ts';

/** The name of the peer that ratios are against. */
export const REFERENCE = 'node:http request+pipe';

/** The programs that are compared, and how to stop them. */
export interface Peers {
  readonly list: readonly Peer[];
  close(): Promise<void>;
}

const TOKEN_SECONDS = 3600;

async function refusals(issuer: TestIssuer): Promise<readonly Refusal[]> {
  const other = await issuer.mint({ scope: 'openid' });
  const good = await issuer.mint();
  const [signed, signature = ''] = [
    good.slice(0, good.lastIndexOf('.') + 1),
    good.split('.').at(-1),
  ];
  const forged = signed + (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
  const bearer = (token: string): readonly string[] => [`Authorization: Bearer ${token}`];
  return [
    { what: 'no token', headers: [], status: 401 },
    { what: 'a bad signature', headers: bearer(forged), status: 401 },
    { what: 'a token without the scope', headers: bearer(other), status: 403 },
  ];
}

async function startRelayPeer(
  opened: Opened,
  issuer: TestIssuer,
  options: { upstream: string; token: string; isAuditRequired: boolean },
): Promise<Peer> {
  const { upstream, token, isAuditRequired } = options;
  const name = isAuditRequired ? 'latchkey relay' : 'latchkey relay, audit not required';
  const file = await writeRelayFile(await opened.folder(), {
    listen: '127.0.0.1:0',
    issuer: issuer.issuer,
    audience: testAudience,
    upstream,
    isAuditRequired,
  });
  const { url, pid } = await opened.run(name, 'relay/main.ts', ['--config', file]);
  const processes = [{ name: 'relay', pid }];
  return { name, url, prefix: API_PATH, token, processes, refusals: await refusals(issuer) };
}

/**
 * Starts the origin and every peer in front of it, each in a process of its own, on loopback.
 *
 * @returns the running peers, the origin itself first
 * @throws {Error} when one of them does not start; nothing is left running
 */
export async function startPeers(): Promise<Peers> {
  const opened = createOpened();
  try {
    const issuer = await createTestIssuer({ algorithms: ['RS256'] });
    opened.keep(() => issuer.close());
    const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    const token = await issuer.mint({ exp });
    const origin = await opened.run('origin', 'bench/origin.ts', []);
    const upstream = origin.url.origin;
    const plain = { prefix: '', token, refusals: [] };
    const list: Peer[] = [{ ...plain, name: 'direct', url: origin.url, processes: [] }];
    for (const [kind, name] of [
      ['pipe', REFERENCE],
      ['httpxy', 'httpxy'],
      ['wire', 'latchkey wire'],
    ] as const) {
      const { url, pid } = await opened.run(name, 'bench/forwarder.ts', [kind, upstream]);
      list.push({ ...plain, name, url, processes: [{ name: 'proxy', pid }] });
    }
    for (const isAuditRequired of [true, false]) {
      list.push(await startRelayPeer(opened, issuer, { upstream, token, isAuditRequired }));
    }
    list.push(await startAppPeer(opened, upstream, TOKEN_SECONDS));
    return { list, close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
