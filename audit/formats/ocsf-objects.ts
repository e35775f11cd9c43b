import { isIP } from 'node:net';
import type { AuditRecord } from '../record.ts';

/**
 * Tells who acted. An actor must be somebody, so that a request of nobody recognised names the tool.
 *
 * @param record any
 * @param request the request that an outcome belongs to, if known
 * @returns an actor object
 */
export function actor(record: AuditRecord, request: AuditRecord | undefined): object {
  const { clientId, tool, tokenId, authTime, issuer } = { ...request, ...record };
  const signedInMs = authTime === undefined ? undefined : timeOf(authTime);
  const hasSession = tokenId !== undefined || signedInMs !== undefined;
  const appName = tool?.name ?? clientId;
  return {
    user: user(record),
    app_name: appName ?? (record.user === undefined ? unrecognised(record) : undefined),
    app_uid: clientId,
    idp: issuer === undefined ? undefined : { name: issuer, issuer },
    session: hasSession ? { uid: tokenId, issuer, created_time: signedInMs } : undefined,
  };
}

/** A token may give any number of seconds, `timestamp_t` has whole milliseconds since the epoch. */
function timeOf(seconds: number): number | undefined {
  const ms = Math.round(seconds * 1000);
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}

function unrecognised({ kind, side }: AuditRecord): string {
  const byPeople = kind === 'request' || kind === 'outcome' || kind === 'interrupted';
  return byPeople ? 'unrecognised' : `latchkey-${side}`;
}

/**
 * Tells which person a record is about.
 *
 * @param record any
 * @returns a user object; undefined where nobody was recognised
 */
export function user(record: AuditRecord): object | undefined {
  const { user: uid, userName } = record;
  return uid === undefined ? undefined : { uid, name: userName ?? uid, type_id: 1, type: 'User' };
}

/**
 * Tells where a request came from. An endpoint must be named somehow.
 *
 * @param record that has the address
 * @returns a network endpoint object
 */
export function source({ ip, side }: AuditRecord): object {
  if (ip !== undefined && isIP(ip) !== 0) return { ip };
  // An address may have been cut to its network.
  return { name: ip ?? (side === 'app' ? 'localhost' : 'unknown') };
}
