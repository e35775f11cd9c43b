import type { Check, CheckContext, Found } from './check.ts';
import { parseRelayUrl } from '../agent/login/outbound.ts';

/** Is a relay set? */
export const relayAddressCheck: Check = {
  name: 'relay-address',
  todo: 'Enter the address that your administrator gave you in the window, or start with --relay https://….',
  run: checkRelayAddress,
};

function checkRelayAddress({ facts, settings, profile }: CheckContext): Found {
  const used = facts.app?.relay;
  const set = profile?.url ?? settings.get('relays')[0]?.url;
  const address = used ?? set;
  if (address === undefined) return { outcome: 'fail', detail: 'no relay is set' };
  const relay = parseRelayUrl(address);
  const other = used && set && parseRelayUrl(set).origin !== relay.origin;
  const detail = other ? `${relay.origin} (the settings say ${set})` : relay.origin;
  return { outcome: 'ok', detail, facts: { relay } };
}
