import type { ConfigFacts, ManagementDeps } from './admin/management.ts';
import type { RelayConfig } from './config/config.ts';
import type { Generations, Shared } from './generation.ts';
import { readinessChecks } from './readiness.ts';
import type { Reloader, ReloadFailure } from './reload.ts';
import { concerns } from './state/entry.ts';

/**
 * Says what is in effect, and whether something newer was refused.
 *
 * @param config in effect
 * @param loadedAtMs since when, epoch ms
 * @param failure of the last reload, if it failed
 * @returns the facts
 */
export function configFacts(
  config: RelayConfig,
  loadedAtMs: number,
  failure: ReloadFailure | undefined,
): ConfigFacts {
  return {
    hash: config.hash,
    loadedAt: new Date(loadedAtMs).toISOString(),
    insecure: config.insecure,
    ...(failure && {
      lastReloadFailure: { at: new Date(failure.atMs).toISOString(), faults: failure.faults },
    }),
  };
}

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
  reloader: Pick<Reloader, 'reload' | 'lastFailure'>,
): ManagementDeps {
  const { ledger, state, metrics, exchanges, now, draining } = shared;
  const { lastFailure } = reloader;
  const issuers = () => generations.current().issuers();
  const upstreams = () => generations.current().upstreams();
  return {
    checks: () =>
      readinessChecks({
        upstreams,
        draining,
        issuers,
        lastFailure,
        now,
        audit: ledger.health,
        state: state.health,
      }),
    config() {
      const { config, loadedAtMs } = generations.current();
      return configFacts(config, loadedAtMs, lastFailure());
    },
    metrics: async () => ({
      contentType: metrics.contentType,
      text: await metrics.read({
        issuers,
        upstreams,
        audit: ledger.health,
        certificates: shared.certificates,
        config: () => ({
          loadedAtMs: generations.current().loadedAtMs,
          lastReloadFailed: lastFailure() !== undefined,
        }),
      }),
    }),
    upstreams,
    reload: () => reloader.reload('management'),
    revocations: {
      issuers: () => generations.current().config.issuers,
      state,
      streamsOf: (revocation) => exchanges.count((principal) => concerns(revocation, principal)),
      ledger,
      now,
    },
  };
}
