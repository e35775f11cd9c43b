import type { Doors } from './proxy/doors.ts';

/** Where tools find the agent, while it is open. */
export interface Addresses {
  opened(ports: OpenPorts): void;
  closed(): void;
  /** `http://localhost:5390`. */
  shared(): string | undefined;
  port(): number | undefined;
  /** Where a profile's paths begin: `http://localhost:5390/acme`, or its own port's root. */
  of(profile: string): string | undefined;
  /** Where APIs are that have a port of their own, by their names; the same map until the ports change. */
  ownUrls(profile: string): ReadonlyMap<string, string>;
}

type OpenPorts = Pick<Doors, 'port' | 'profilePorts' | 'apiPorts'>;

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Keeps the addresses.
 *
 * @param isNamed whether paths at the shared port begin with the profile's name
 * @returns the addresses, none yet
 */
export function createAddresses(isNamed: boolean): Addresses {
  let ports: OpenPorts | undefined;
  const own = new Map<string, Map<string, string>>();
  const urlOf = (port: number): string => `http://localhost:${port}`;
  const shared = (): string | undefined => ports && urlOf(ports.port);
  return {
    opened(bound) {
      ports = bound;
      for (const { api, port, profile } of bound.apiPorts) {
        own.set(profile, (own.get(profile) ?? new Map<string, string>()).set(api, urlOf(port)));
      }
    },
    closed() {
      ports = undefined;
      own.clear();
    },
    shared,
    port: () => ports?.port,
    of(profile) {
      if (ports === undefined || !isNamed) return shared();
      const port = ports.profilePorts.get(profile);
      return port === undefined ? `${urlOf(ports.port)}/${profile}` : urlOf(port);
    },
    ownUrls: (profile) => own.get(profile) ?? NONE,
  };
}
