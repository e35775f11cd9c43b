/** Who is calling, as proven by a verified access token. */
export interface Principal {
  readonly issuer: string;
  /** The token's `sub`; with `issuer` it is the only key to a person. */
  readonly subject: string;
  /** The claim that the configuration names as `user` (default `sub`). */
  readonly user: string;
  readonly email?: string;
  /** For people: `name`, `preferred_username` or the email. */
  readonly userName?: string;
  /** `client_id`, `azp` or `cid`, as the profile has it. */
  readonly clientId?: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly expiresAtMs: number;
  /** Until when the issuer's `clockTolerance` lets it begin something. */
  readonly acceptedUntilMs: number;
  /** `auth_time` in seconds, when it is a time. */
  readonly authTime?: number;
  readonly acr?: string;
  /** `jti`, `sid` and `iat`, by which a token may be revoked. */
  readonly jti?: string;
  readonly sid?: string;
  readonly issuedAtMs?: number;
  /** Hex SHA-256 of jti, or of the whole token when it has none. */
  readonly tokenId: string;
  /** How the token is bound to its holder: `cnf.jkt` or `cnf.x5t#S256`; `dpop` where both are. */
  readonly binding: 'none' | 'dpop' | 'mtls';
}
