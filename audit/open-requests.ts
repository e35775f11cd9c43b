import type { AuditFields } from './record.ts';

/** A request whose outcome is still to come. */
interface OpenRequest {
  readonly fields: AuditFields;
  /** Its place in the list. */
  at: number;
}

/** The requests that are open now. */
export interface OpenRequests {
  add(fields: AuditFields): OpenRequest;
  /** Forgets one, once. */
  remove(request: OpenRequest): void;
  list(): readonly AuditFields[];
}

/**
 * Keeps the open requests in a list. A Map replaces its table all the time where entries come and go with each
 * request, and the old table points to the new one: once one of them is in V8's old generation, all that
 * follow, and whatever was in them, stay until a full collection.
 *
 * @returns an empty list
 */
export function createOpenRequests(): OpenRequests {
  const open: OpenRequest[] = [];
  return {
    add(fields) {
      const request = { fields, at: open.length };
      open.push(request);
      return request;
    },
    remove(request) {
      const last = open.pop();
      if (last === undefined || last === request) return;
      open[request.at] = last;
      last.at = request.at;
    },
    list: () => open.map(({ fields }) => fields),
  };
}
