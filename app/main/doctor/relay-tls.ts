import type { Check, CheckContext, Found } from './check.ts';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { connect as connectTcp, isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { DetailedPeerCertificate, SecureContext, TLSSocket } from 'node:tls';
import { AgentError } from '../agent/errors.ts';
import { transportReason } from '../agent/login/outbound.ts';
import { explainRefusal } from './tls-refusal.ts';
import { isPubliclyIssued } from './public-issuer.ts';

const dayMs = 24 * 60 * 60 * 1000;
const fewDays = 14;

/** Does the relay take connections, and is its certificate accepted? Nothing is sent to it. */
export const relayTlsCheck: Check = {
  name: 'relay-tls',
  needs: ['relay-address', 'relay-dns'],
  todo: 'Check the network, a firewall between you and the relay, and whether a proxy is needed (network.proxy).',
  run: checkRelayTls,
};

async function checkRelayTls(context: CheckContext): Promise<Found> {
  const { relay } = context.facts;
  if (!relay) return { outcome: 'skip', detail: 'no relay' };
  const { relayPath } = context.network;
  const way = relayPath.way(relay);
  const isSecure = relay.protocol === 'https:';
  // Before anything is opened, so that a bad network.caFile is told as such.
  const secureContext = isSecure ? relayPath.secureContext() : undefined;
  let socket: Duplex | undefined;
  try {
    socket = way === 'direct' ? await connectTo(relay, context.signal) : relayPath.open(relay);
    const peer =
      socket instanceof Socket
        ? addressOf(socket)
        : `${relay.host} through ${relayPath.way(relay)}`;
    if (!secureContext) return { outcome: 'ok', detail: `connected to ${peer}, no TLS` };
    const secured = await handshake(socket, relay, secureContext, context.signal);
    socket = secured;
    return judge(secured, peer, context.now());
  } catch (error) {
    if (error instanceof AgentError) throw error;
    return { outcome: 'fail', detail: `${relay.host}: ${transportReason(error)}` };
  } finally {
    socket?.destroy();
  }
}

async function connectTo(relay: URL, signal: AbortSignal): Promise<Socket> {
  const port = relay.port === '' ? (relay.protocol === 'https:' ? 443 : 80) : Number(relay.port);
  const socket = connectTcp({ host: bare(relay.hostname), port });
  await opened(socket, socket, 'connect', signal);
  return socket;
}

async function handshake(
  socket: Duplex,
  relay: URL,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const host = bare(relay.hostname);
  const secured = connectTls({
    socket,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    secureContext,
    // Looked at below: a refused certificate is what is to be explained. No byte of ours follows.
    rejectUnauthorized: false,
  });
  await opened(secured, socket, 'secureConnect', signal);
  return secured;
}

/** Waits for the event of the one, or an error of either: what went wrong below says more. */
async function opened(
  socket: Socket,
  below: Duplex,
  event: string,
  signal: AbortSignal,
): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    below.once('error', reject);
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([failed, once(socket, event, { signal })]);
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    below.destroy();
    throw error;
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? 'the relay'} port ${remotePort ?? ''}`;
}

function judge(socket: TLSSocket, peer: string, nowMs: number): Found {
  const chain = chainOf(socket.getPeerCertificate(true));
  const [leaf] = chain;
  const top = chain.at(-1);
  if (!leaf || !top) return { outcome: 'fail', detail: `${peer} shows no certificate` };
  const days = Math.floor((Date.parse(leaf.validTo) - nowMs) / dayMs);
  const isPublic = isPubliclyIssued(top);
  const ends = days < 0 ? `ended ${-days} days ago` : `ends in ${days} days`;
  const facts = `certificate of ${named(leaf.subject)}, issued by ${named(leaf.issuer)}, ${ends}`;
  if (!socket.authorized) {
    // Declared as an Error, it is the code's text.
    const code = String(socket.authorizationError);
    const { reason, todo } = explainRefusal({ code, isPublic, names: leaf.subjectAltName });
    return { outcome: 'fail', detail: `${reason} (${code}): ${facts}`, todo };
  }
  const from = isPublic ? '' : '; its authority is not a public one';
  const detail = `${socket.getProtocol() ?? 'TLS'} to ${peer}; ${facts}${from}`;
  if (days >= fewDays) return { outcome: 'ok', detail };
  const todo = 'Ask the relay’s administrator to renew the certificate.';
  return { outcome: 'warn', detail, todo };
}

function chainOf(first: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let at: DetailedPeerCertificate | undefined = first;
  // A self-signed certificate is its own issuer.
  while (at?.raw && !seen.has(at.fingerprint256)) {
    seen.add(at.fingerprint256);
    chain.push(new X509Certificate(at.raw));
    at = at.issuerCertificate;
  }
  return chain;
}

function named(distinguishedName: string): string {
  const of = (key: string): string | undefined =>
    new RegExp(`^${key}=(.+)$`, 'm').exec(distinguishedName)?.[1];
  const [common, organization] = [of('CN'), of('O')];
  if (common && organization && common !== organization) return `"${common}" (${organization})`;
  return `"${common ?? organization ?? distinguishedName.replaceAll('\n', ', ')}"`;
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
