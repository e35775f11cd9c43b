import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../demo/child.ts';
import { startCompany } from '../../demo/company.ts';
import { signInWithFetch } from '../../test/support/sign-in.ts';
import { ask } from '../exchange.ts';
import { apiPath, requestHead, type Peer, type StartPeer } from '../peer.ts';
import { writeRelayFile } from './latchkey.ts';

const READY_MS = 20_000;
const TOKEN_SECONDS = 3600;

async function untilReady(peer: Peer): Promise<void> {
  const options = { keepBody: true, timeoutMs: READY_MS };
  const request = requestHead(peer, `GET ${apiPath(0)}/json`, []);
  for (const endMs = Date.now() + READY_MS; ; await sleep(100)) {
    const { status, body } = await ask(peer.url, (socket) => void socket.write(request), options);
    if (status === 200) return;
    if (Date.now() > endMs) throw new Error(`the app is not ready: ${status} ${body}`);
  }
}

/** The whole path: the headless app, signed in at the demo's identity provider, and a relay with its audit. */
export const app: StartPeer = async (opened, { upstream, apis }) => {
  const [relayPort = 0] = await freePorts(1);
  const relayUrl = `http://127.0.0.1:${relayPort}`;
  const configFile = await writeRelayFile(
    await opened.folder(),
    { upstream, apis, authority: { issuer: '${DEMO_ISSUER}', audience: relayUrl } },
    {
      isAuditRequired: true,
      listen: `127.0.0.1:${relayPort}`,
      publicUrl: relayUrl,
      issuer: [
        'desktop: { clientId: latchkey-desktop, scopes: [openid, offline_access, billing.read] }',
      ],
    },
  );
  const company = await startCompany({ relayPort, configFile, tokenSeconds: TOKEN_SECONDS });
  opened.keep(() => company.close());
  const dataDir = await opened.folder();
  const args = ['agent', '--relay', relayUrl, '--data-dir', dataDir, '--port', '0', '--no-browser'];
  const name = 'latchkey app + relay';
  const { url, pid, child } = await opened.script('peer', name, ['app/cli/main.ts', ...args]);
  const signIn = await child.event('sign-in-url', READY_MS);
  await signInWithFetch(String(signIn['url']), 'alice', 'alice-demo');
  const helpers = [company.relay.pid ?? 0];
  const peer: Peer = { name, url, pid, helpers, isJit: true, refuses: 'nothing' };
  await untilReady(peer);
  return peer;
};
