import { AgentError } from '../errors.ts';
import { canTell } from './peer.ts';
import type { Verdict } from './peer-finder.ts';

const REMEDY =
  'Each person on this computer needs a Latchkey of their own. If others may use yours (as from containers), set guard.otherUsers to true.';

/**
 * Refuses connections that aren't this user's own. A system that can tell and doesn't know the other
 * end is refused as well: it is a container's, or has left.
 *
 * @param verdict what was found out about the connection
 * @param config whether others may use this port, and the platform
 * @throws {AgentError} `other_user`
 */
export function checkPeer(
  verdict: Verdict,
  config: { readonly otherUsers: boolean; readonly platform: NodeJS.Platform },
): void {
  if (config.otherUsers || verdict.kind === 'own') return;
  if (verdict.kind === 'unknown' && !canTell(config.platform)) return;
  throw new AgentError('other_user', `${reasonOf(verdict)} ${REMEDY}`);
}

function reasonOf(verdict: Exclude<Verdict, { kind: 'own' }>): string {
  if (verdict.kind === 'other') {
    return `This port belongs to one user of this computer, and the request came from another (uid ${verdict.uid}).`;
  }
  return verdict.why === 'left'
    ? 'The program closed its connection before Latchkey could see whose it is.'
    : 'The system does not say which user of this computer the request came from.';
}
