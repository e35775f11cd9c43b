import type { ManagementDeps } from './admin/management.ts';
import type { Generations, Shared } from './generation.ts';
import { readinessChecks } from './readiness.ts';
import type { Reloader } from './reload.ts';

/**
 * Connects the management listener to the relay.
 *
 * @param shared what outlives configurations
 * @param generations the configuration in effect
 * @param reloader reads the next one
 * @returns what the listener shows and does
 */
export function managementDeps(
  shared: Shared,
  generations: Generations,
  reloader: Reloader,
): ManagementDeps {
  const { ledger, state, metrics, exchanges, now, draining } = shared;
  const { lastFailure } = reloader;
  const issuers = () => generations.current().issuers();
  return {
    checks: () =>
      readinessChecks({
        draining,
        issuers,
        lastFailure,
        now,
        audit: ledger.health,
        state: state.health,
      }),
    config() {
      const { config, loadedAtMs } = generations.current();
      const failure = lastFailure();
      return {
        hash: config.hash,
        loadedAt: new Date(loadedAtMs).toISOString(),
        insecure: config.insecure,
        ...(failure && {
          lastReloadFailure: { at: new Date(failure.atMs).toISOString(), faults: failure.faults },
        }),
      };
    },
    metrics: async () => ({
      contentType: metrics.contentType,
      text: await metrics.read({
        issuers,
        upstreams: () => generations.current().upstreams,
        audit: ledger.health,
        config: () => ({
          loadedAtMs: generations.current().loadedAtMs,
          lastReloadFailed: lastFailure() !== undefined,
        }),
      }),
    }),
    reload: () => reloader.reload('management'),
    revocations: {
      issuers: () => generations.current().config.issuers,
      state,
      exchanges,
      ledger,
      now,
    },
  };
}
