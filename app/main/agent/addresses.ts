import type { Doors } from './proxy/doors.ts';

/** Where tools find the agent, while it is open. */
export interface Addresses {
  opened(ports: Pick<Doors, 'port' | 'profilePorts'>): void;
  closed(): void;
  /** `http://localhost:5390`. */
  shared(): string | undefined;
  port(): number | undefined;
  /** Where a profile's paths begin: `http://localhost:5390/acme`, or its own port's root. */
  of(profile: string): string | undefined;
}

/**
 * Keeps the addresses.
 *
 * @param isNamed whether paths at the shared port begin with the profile's name
 * @returns the addresses, none yet
 */
export function createAddresses(isNamed: boolean): Addresses {
  let ports: Pick<Doors, 'port' | 'profilePorts'> | undefined;
  const urlOf = (port: number): string => `http://localhost:${port}`;
  const shared = (): string | undefined => ports && urlOf(ports.port);
  return {
    opened(bound) {
      ports = bound;
    },
    closed() {
      ports = undefined;
    },
    shared,
    port: () => ports?.port,
    of(profile) {
      if (ports === undefined || !isNamed) return shared();
      const own = ports.profilePorts.get(profile);
      return own === undefined ? `${urlOf(ports.port)}/${profile}` : urlOf(own);
    },
  };
}
