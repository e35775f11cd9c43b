import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../demo/child.ts';
import { startCompany } from '../demo/company.ts';
import { signInWithFetch } from '../test/support/sign-in.ts';
import { ask } from './exchange.ts';
import type { Opened } from './opened.ts';
import { jsonRequest, type Peer } from './peer.ts';
import { API_PATH, writeRelayFile } from './relay-file.ts';

const READY_MS = 20_000;

async function untilReady(peer: Peer): Promise<void> {
  const options = { keepBody: true, timeoutMs: READY_MS };
  for (const endMs = Date.now() + READY_MS; ; await sleep(100)) {
    const request = jsonRequest(peer);
    const { status, body } = await ask(peer.url, (socket) => void socket.write(request), options);
    if (status === 200) return;
    if (Date.now() > endMs) throw new Error(`the app is not ready: ${status} ${body}`);
  }
}

/**
 * Starts the whole path: the headless app, signed in at the demo's identity provider, and a relay.
 *
 * @param opened what is closed in the end
 * @param upstream the origin's URL
 * @param tokenSeconds life of access tokens
 * @returns the app's local port as a peer
 */
export async function startAppPeer(
  opened: Opened,
  upstream: string,
  tokenSeconds: number,
): Promise<Peer> {
  const [relayPort = 0] = await freePorts(1);
  const relayUrl = `http://127.0.0.1:${relayPort}`;
  const configFile = await writeRelayFile(await opened.folder(), {
    listen: `127.0.0.1:${relayPort}`,
    publicUrl: relayUrl,
    issuer: '${DEMO_ISSUER}',
    audience: relayUrl,
    upstream,
    isAuditRequired: true,
  });
  const company = await startCompany({ relayPort, configFile, tokenSeconds });
  opened.keep(() => company.close());
  const dataDir = await opened.folder();
  const args = ['agent', '--relay', relayUrl, '--data-dir', dataDir, '--port', '0', '--no-browser'];
  const app = await opened.run('app', 'app/cli/main.ts', args);
  const signIn = await app.child.event('sign-in-url', READY_MS);
  await signInWithFetch(String(signIn['url']), 'alice', 'alice-demo');
  const peer: Peer = {
    name: 'latchkey app + relay',
    url: app.url,
    prefix: API_PATH,
    processes: [
      { name: 'app', pid: app.pid },
      { name: 'relay', pid: company.relay.pid ?? 0 },
    ],
    refusals: [
      { what: "a web page's request", headers: ['Origin: https://evil.example'], status: 403 },
    ],
  };
  await untilReady(peer);
  return peer;
}
