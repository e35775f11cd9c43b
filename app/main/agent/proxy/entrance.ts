/** Through which of our doors a request came. */
export type Entrance =
  | { readonly kind: 'port'; readonly port: number }
  /** A port that belongs to one profile. */
  | { readonly kind: 'profile-port'; readonly port: number; readonly profile: string }
  /** A port that belongs to one API. */
  | {
      readonly kind: 'api-port';
      readonly port: number;
      readonly profile: string;
      readonly api: string;
    }
  /** The Unix socket, or the named pipe: only its owner can open it. */
  | { readonly kind: 'socket' };

/** How a request names what it wants; `profile` is set where the name or the door tells it. */
export type LocalHost =
  /** By a loopback name: the path tells which API. */
  | { readonly kind: 'loopback'; readonly profile?: string }
  /** By an API's own name, or its own port. */
  | { readonly kind: 'api'; readonly name: string; readonly profile?: string }
  /** As a forward proxy, by the name that the API has inside the company. */
  | { readonly kind: 'site'; readonly host: string; readonly profile?: string };
