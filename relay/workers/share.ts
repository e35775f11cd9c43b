import type { RelayConfig } from '../config/config.ts';

/**
 * Gives each of several workers its part of what they count on their own. Connections are shared out
 * evenly, so that the parts together are what was configured, or hardly more; asking the primary
 * would cost every request a journey.
 *
 * @param config as configured
 * @param workers how many share
 * @returns what one of them serves by
 */
export function shareOf(config: RelayConfig, workers: number): RelayConfig {
  const part = (whole: number): number => Math.ceil(whole / workers);
  const { failedAuthentications, connectionsPerIp, ...limits } = config.limits;
  return {
    ...config,
    // The primary ships; its secrets are nobody else's.
    audit: { ...config.audit, sinks: [] },
    limits: {
      ...limits,
      ...(failedAuthentications && {
        failedAuthentications: {
          ...failedAuthentications,
          requests: part(failedAuthentications.requests),
        },
      }),
      // Only behind a proxy: the primary knows the other addresses, and counts for all.
      ...(connectionsPerIp !== undefined &&
        config.proxyProtocol && { connectionsPerIp: part(connectionsPerIp) }),
    },
    apis: config.apis.map((api) => {
      const { concurrent } = api.limits;
      if (concurrent === undefined) return api;
      return { ...api, limits: { ...api.limits, concurrent: part(concurrent) } };
    }),
  };
}
