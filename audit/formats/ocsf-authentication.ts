import type { AuditKind, AuditRecord } from '../record.ts';
import type { ClassBody } from './ocsf-event.ts';
import { actor, source, user } from './ocsf-objects.ts';

const ACTIVITIES: { readonly [Kind in AuditKind]?: ClassBody['activity'] } = {
  'sign-in': { id: 1, name: 'Logon' },
  'sign-out': { id: 2, name: 'Logoff' },
  refresh: { id: 99, name: 'Token refresh' },
  'step-up': { id: 99, name: 'Step-up' },
};

/**
 * Tells of a sign-in, sign-out, refresh or step-up.
 *
 * @param record any
 * @returns the attributes of Authentication, class 3002; undefined for other kinds
 */
export function authentication(record: AuditRecord): ClassBody | undefined {
  const activity = ACTIVITIES[record.kind];
  if (activity === undefined) return undefined;
  return {
    class: { uid: 3002, name: 'Authentication', category: 'Identity & Access Management' },
    activity,
    attributes: {
      actor: actor(record, undefined),
      // A session may be ended by its number alone.
      user: user(record) ?? { name: 'unknown', type_id: 0, type: 'Unknown' },
      auth_protocol_id: 6,
      auth_protocol: 'OAUTH 2.0',
      service: { name: record.api ?? `latchkey-${record.side}` },
      src_endpoint: source(record),
      is_remote: record.side === 'relay',
    },
    told: ['user', 'userName', 'ip'],
  };
}
