/** More are open at once only where their ends are missing. */
const MAX_OPEN = 100_000;

/** Remembers which tool began a request, until its end: outcomes don't say it. */
export interface OpenTools {
  began(requestId: string, tool: string): void;
  /** @returns the tool; `undefined` when its request was not seen */
  ended(requestId: string): string | undefined;
}

/**
 * Makes an empty memory; when too many requests have no end the oldest are forgotten.
 *
 * @returns the memory
 */
export function createOpenTools(): OpenTools {
  const open = new Map<string, string>();
  return {
    began(requestId, tool) {
      const oldest = open.size < MAX_OPEN ? undefined : open.keys().next().value;
      if (oldest !== undefined) open.delete(oldest);
      open.set(requestId, tool);
    },
    ended(requestId) {
      const tool = open.get(requestId);
      open.delete(requestId);
      return tool;
    },
  };
}
