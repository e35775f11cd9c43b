import type { AuditQuery } from '../../../../audit/query.ts';
import { AgentError } from '../errors.ts';

/**
 * Reads what `GET /activity` asks for.
 *
 * @param params of its query
 * @returns a query of the local audit
 * @throws {AgentError} `bad_usage`
 */
export function activityQuery(params: URLSearchParams): AuditQuery {
  const one = (name: string): string | undefined => params.get(name) ?? undefined;
  const limit = Number(one('limit') ?? 100);
  const decision = one('decision');
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new AgentError('bad_usage', '`limit` must be a whole number from 1 to 1000.');
  }
  if (decision !== undefined && decision !== 'allow' && decision !== 'deny') {
    throw new AgentError('bad_usage', '`decision` must be allow or deny.');
  }
  const query: Record<string, unknown> = { limit, decision };
  for (const name of ['api', 'code', 'since', 'until', 'cursor', 'requestId']) {
    query[name] = one(name);
  }
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}
