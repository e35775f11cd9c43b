import type { Check, CheckContext, Found } from './check.ts';
import { AgentError } from '../agent/errors.ts';
import { discoverRelay } from '../agent/login/relay-metadata.ts';
import { createGetter } from './getter.ts';

const answerMs = 4500;

/** Does the relay say how to sign in, as the app needs it? */
export const relayMetadataCheck: Check = {
  name: 'relay-metadata',
  needs: ['relay-address', 'relay-dns', 'relay-tls'],
  todo: 'Check the relay’s address; if it is right, give its administrator this line.',
  run: checkRelayMetadata,
};

async function checkRelayMetadata(context: CheckContext): Promise<Found> {
  const { facts, network, now, signal } = context;
  const { relay } = facts;
  if (!relay) return { outcome: 'skip', detail: 'no relay' };
  const { fetch, clocks } = createGetter({ fetch: network.fetch, of: 'the relay', now, signal });
  try {
    const metadata = await discoverRelay(relay, { fetch, timeoutMs: answerMs, signal });
    const detail = `sign-in at ${metadata.issuer}, tokens bound to a key: ${metadata.dpop}`;
    return { outcome: 'ok', detail, facts: { metadata, clocks: clocks() } };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // A bad description does not make the clock's reading worse.
    return { outcome: 'fail', detail: error.message, facts: { clocks: clocks() } };
  }
}
