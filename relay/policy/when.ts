import { Environment } from '@marcbachmann/cel-js';
import type { PolicyRequest } from './verdict.ts';
import { usageFault } from './when-faults.ts';

/** What a condition says: it can also fail to say anything, for want of a claim or by its own fault. */
export type WhenOutcome = 'holds' | 'fails' | 'absent' | 'error';

/** A compiled condition. */
export type When = (
  claims: Readonly<Record<string, unknown>>,
  request: PolicyRequest,
) => WhenOutcome;

const maxLength = 2_000;
const environment = new Environment({
  unlistedVariablesAreDyn: false,
  limits: {
    maxAstNodes: 500,
    maxDepth: 40,
    maxListElements: 200,
    maxMapEntries: 100,
    maxCallArguments: 16,
  },
})
  .registerVariable('claims', 'map<string, dyn>')
  .registerVariable({
    name: 'request',
    schema: {
      method: 'string',
      path: 'string',
      query: 'map<string, list<string>>',
      headers: 'map<string, string>',
    },
  })
  .registerVariable('now', 'google.protobuf.Timestamp');

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';

function isMisread(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, 'constructor') || Object.values(value).some(isMisread);
}

function asMaps(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(asMaps);
  return new Map(Object.entries(value).map(([name, inner]) => [name, asMaps(inner)]));
}

/** CEL's library asks values for their `constructor`, and a caller may send a member of that name; Maps keep it apart. */
function readable<T extends object>(value: T): T | Map<string, unknown> {
  return isMisread(value) ? (asMaps(value) as Map<string, unknown>) : value;
}

/**
 * Checks a condition without evaluating it: syntax, names, types, size, and what must not be used.
 *
 * @param expression CEL over `claims`, `request.{method,path,query,headers}` and `now`
 * @returns what is wrong, to end the sentence "must be …"; undefined when nothing is
 */
export function whenFault(expression: string): string | undefined {
  if (expression.length > maxLength) return `must be at most ${maxLength} characters`;
  try {
    const result = environment.check(expression);
    if (!result.valid) return `is no CEL condition: ${firstLine(result.error)}`;
    if (String(result.type) !== 'bool')
      return `must be a CEL condition that gives true or false, and this gives ${String(result.type)}; compare it with something`;
    return usageFault(environment.parse(expression).ast);
  } catch (error) {
    return `is no CEL condition: ${firstLine(error)}`;
  }
}

/**
 * Compiles a condition once, at load.
 *
 * @param expression one in which {@link whenFault} finds nothing
 * @returns the condition; it never throws
 */
export function compileWhen(expression: string): When {
  const evaluate = environment.parse(expression);
  return (claims, { method, path, nowMs, details }) => {
    const { query = {}, headers = {} } = details?.() ?? {};
    const request = { method, path, query: readable(query), headers: readable(headers) };
    try {
      const result: unknown = evaluate({
        claims: readable(claims),
        request,
        now: new Date(nowMs),
      });
      return result === true ? 'holds' : 'fails';
    } catch (error) {
      return (error as { code?: unknown }).code === 'no_such_key' ? 'absent' : 'error';
    }
  };
}
