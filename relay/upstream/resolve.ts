import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** Asks where a name is; all addresses of both families. */
export type ResolveName = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Knows where one name is, and asks again now and then. */
export interface Resolver {
  /** For node's `connect`: answers with what is known, each time beginning with the next address. */
  readonly lookup: LookupFunction;
  /** Begins to ask again at intervals. */
  start(): void;
  stop(): void;
}

/** What a resolver works with. */
export interface ResolverOptions {
  readonly hostname: string;
  /** How often the name is asked for anew, ms. */
  readonly resolveMs: number;
  readonly resolve: ResolveName;
  /** Told when addresses that were known are no longer the name's. */
  readonly onGone: () => void;
}

/** The same addresses, beginning elsewhere: new connections are spread over all of them. */
function rotated(known: readonly LookupAddress[], by: number): LookupAddress[] {
  const at = by % known.length;
  return [...known.slice(at), ...known.slice(0, at)];
}

/**
 * Makes a resolver. A name is asked for when it is first needed, then at intervals; when the answer
 * fails to come, what was known goes on serving.
 *
 * @param options the name, how often, whom to ask, and who wants to hear of changes
 * @returns the resolver
 */
export function createResolver(options: ResolverOptions): Resolver {
  const { hostname, resolveMs, resolve, onGone } = options;
  let known: readonly LookupAddress[] = [];
  let asking: Promise<readonly LookupAddress[]> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let turn = 0;

  function learn(found: readonly LookupAddress[]): void {
    // No address is no answer: some resolvers say so while a record is being replaced.
    if (found.length === 0) return;
    const stay = new Set(found.map(({ address }) => address));
    const gone = known.some(({ address }) => !stay.has(address));
    known = found;
    if (gone) onGone();
  }
  async function askAnew(): Promise<readonly LookupAddress[]> {
    try {
      learn(await resolve(hostname));
      return known;
    } finally {
      asking = undefined;
    }
  }
  function ask(): Promise<readonly LookupAddress[]> {
    asking ??= askAnew();
    return asking;
  }
  function refresh(): void {
    ask().catch(() => {
      // The last good answer serves; a connection that needs one asks again, and is told why not.
    });
  }

  return {
    lookup(_hostname, { all }, callback) {
      const answer = (found: readonly LookupAddress[]): void => {
        const [first, ...others] = rotated(found, turn++) as [LookupAddress, ...LookupAddress[]];
        if (all === true) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      };
      const fail = (error: NodeJS.ErrnoException): void => callback(error, []);
      if (known.length > 0) {
        process.nextTick(answer, known);
        return;
      }
      ask().then((found) => {
        if (found.length > 0) return answer(found);
        return fail(Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' }));
      }, fail);
    },
    start() {
      timer ??= setInterval(refresh, resolveMs).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
