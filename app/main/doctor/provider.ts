import type { Check, CheckContext, Found } from './check.ts';
import { AgentError } from '../agent/errors.ts';
import { discover } from '../agent/login/provider-discovery.ts';
import { guarded } from '../agent/login/provider-fetch.ts';
import { createGetter } from './getter.ts';

const answerMs = 4500;

/** Can the identity provider be reached, and is its description good? */
export const providerCheck: Check = {
  name: 'provider',
  needs: ['relay-metadata'],
  todo: 'Open the provider’s address in a browser: if that fails too, it is the network; if not, a proxy or certificate (network.proxy, network.caFile).',
  run: checkProvider,
};

async function checkProvider({ facts, network, now, signal }: CheckContext): Promise<Found> {
  const { metadata } = facts;
  if (!metadata) return { outcome: 'skip', detail: 'the relay names none' };
  const getter = createGetter({ fetch: network.fetch, of: 'the identity provider', now, signal });
  const fetch = guarded(getter.fetch, metadata.issuer, 'discovery', answerMs);
  try {
    await discover(metadata, fetch);
    const detail = `${metadata.issuer} describes itself as it should`;
    return { outcome: 'ok', detail, facts: { clocks: getter.clocks() } };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { outcome: 'fail', detail: error.message, facts: { clocks: getter.clocks() } };
  }
}
