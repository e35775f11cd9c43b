import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_OPTIONS } from '../../app/cli/node-options.ts';
import { freePorts } from '../../demo/child.ts';
import { startCompany } from '../../demo/company.ts';
import { signInWithFetch } from '../../test/support/sign-in.ts';
import { ask } from '../exchange.ts';
import type { Opened } from '../opened.ts';
import { apiPath, requestHead, type Peer, type Setting, type StartPeer } from '../peer.ts';
import { writeRelayFile } from './latchkey.ts';
import { startStandInRelay } from './nginx.ts';

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

/** A signed-in app, and what stands behind it. */
export interface AppAndRelay {
  readonly app: Peer;
  /** The relay, for requests that do without the app. */
  readonly relay: Peer;
}

/**
 * Starts the headless app, signed in at the demo's identity provider, and a relay with its audit.
 *
 * @param opened what is closed in the end
 * @param setting upstream, tokens that the relay takes as well, number of APIs
 * @param isRelayReal whether requests for APIs reach the relay, or an nginx that answers in its place
 * @returns both, ready
 */
export async function startAppAndRelay(
  opened: Opened,
  { upstream, apis, authority }: Setting,
  isRelayReal: boolean,
): Promise<AppAndRelay> {
  const [relayPort = 0, standInPort = 0] = await freePorts(2);
  const relayOrigin = `http://127.0.0.1:${relayPort}`;
  const publicUrl = isRelayReal ? relayOrigin : `http://127.0.0.1:${standInPort}`;
  const configFile = await writeRelayFile(
    await opened.folder(),
    { upstream, apis, authority: { issuer: '${DEMO_ISSUER}', audience: publicUrl } },
    {
      isAuditRequired: true,
      listen: `127.0.0.1:${relayPort}`,
      publicUrl,
      issuer: [
        'desktop: { clientId: latchkey-desktop, scopes: [openid, offline_access, billing.read] }',
      ],
      moreIssuers: [
        `- issuer: '${authority.issuer}'`,
        `  audience: ['${authority.audience}']`,
        '  algorithms: [RS256]',
      ],
    },
  );
  if (!isRelayReal) await startStandInRelay(opened, standInPort, relayOrigin);
  // The identity provider issues tokens for the address that the company gives out.
  const company = await startCompany({
    relayPort: isRelayReal ? relayPort : standInPort,
    configFile,
    tokenSeconds: TOKEN_SECONDS,
  });
  opened.keep(() => company.close());
  const dataDir = await opened.folder();
  const args = [
    'agent',
    '--relay',
    publicUrl,
    '--data-dir',
    dataDir,
    '--port',
    '0',
    '--no-browser',
  ];
  const { url, pid, child } = await opened.script(
    'peer',
    'app',
    ['app/cli/main.ts', ...args],
    NODE_OPTIONS,
  );
  const signIn = await child.event('sign-in-url', READY_MS);
  await signInWithFetch(String(signIn['url']), 'alice', 'alice-demo');
  const common = { isJit: true, refuses: 'nothing' } as const;
  const app: Peer = { ...common, name: 'app', url, pid };
  await untilReady(app);
  const relay = { ...common, name: 'relay', url: new URL(publicUrl), pid: company.relay.pid ?? 0 };
  return { app, relay };
}

/** The whole path, as one peer. */
export const app: StartPeer = async (opened, setting) => {
  const started = await startAppAndRelay(opened, setting, true);
  return { ...started.app, name: 'latchkey app + relay', helpers: [started.relay.pid] };
};
