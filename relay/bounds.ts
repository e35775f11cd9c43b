import type { ApiConfig } from './config/api-config.ts';
import type { RelayConfig } from './config/config.ts';
import { RelayError } from './errors.ts';
import { createFailures, type Failures } from './limits/failures.ts';
import { createLimits, createPlaces, type Claimant, type Places } from './limits/limits.ts';
import { createUploadWatches, type UploadWatches } from './limits/upload-watch.ts';
import type { SharedState } from './state/shared-state.ts';

/** What one configuration lets callers take at most. */
export interface Bounds {
  /**
   * Takes one of every allowance that a request counts against.
   *
   * @returns undefined, at once, where there is none to take from; otherwise the refusal, if it comes to that
   */
  over(api: string, claimant: Claimant): Promise<RelayError | undefined> | undefined;
  /** The exchanges of one API that may be open at once; undefined where there is no bound. */
  places(api: string): Places | undefined;
  readonly failures: Failures;
  readonly uploads: UploadWatches;
}

/**
 * Compiles the bounds of a configuration.
 *
 * @param config the relay's and each API's `limits`
 * @param state where relays and workers count together
 * @param now the clock, epoch ms
 * @returns the bounds; what is unbounded costs nothing
 */
export function createBounds(
  config: Pick<RelayConfig, 'limits'> & {
    readonly apis: readonly Pick<ApiConfig, 'name' | 'limits'>[];
  },
  state: Pick<SharedState, 'take'>,
  now: () => number,
): Bounds {
  const ofAll = createLimits('', config.limits.rates, state);
  const byApi = new Map(
    config.apis.map(({ name, limits }) => [
      name,
      { limits: createLimits(name, limits.rates, state), places: createPlaces(limits.concurrent) },
    ]),
  );
  return {
    over(api, claimant) {
      const own = byApi.get(api)?.limits;
      if (own === undefined && ofAll === undefined) return undefined;
      const taken = (async () => {
        await ofAll?.take(claimant);
        await own?.take(claimant);
      })();
      return taken.then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof RelayError) return error;
          throw error;
        },
      );
    },
    places: (api) => byApi.get(api)?.places,
    failures: createFailures(config.limits.failedAuthentications, now),
    uploads: createUploadWatches(config.limits, now),
  };
}
