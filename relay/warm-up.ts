import type { IssuerPool } from './auth/pool.ts';
import type { IssuerConfig } from './config/config.ts';

/** How long a reload may wait for issuers that it brings. */
const WAIT_MS = 3_000;

/**
 * Waits until the keys of each issuer are there, or the time is over: an issuer that is down must not
 * hold up a reload.
 *
 * @param pool where keys are kept; those that are there cost nothing
 * @param issuers of the configuration that is to take effect
 */
export async function warmUp(
  pool: Pick<IssuerPool, 'keysOf'>,
  issuers: readonly IssuerConfig[],
): Promise<void> {
  const fetched = issuers
    .filter((issuer) => issuer.tokens === 'jwt')
    .map((issuer) => pool.keysOf(issuer).usable());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, WAIT_MS);
  });
  await Promise.race([Promise.allSettled(fetched), late]);
  clearTimeout(timer);
}
