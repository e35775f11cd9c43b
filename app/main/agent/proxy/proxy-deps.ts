import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Ledger } from '../../../../audit/ledger.ts';
import type { Grace } from '../grace.ts';
import type { Access } from '../session/access.ts';
import type { AgentSnapshot, ApiInfo, ProfileSnapshot } from '../status.ts';
import type { SignInChallenge } from '../login/challenge.ts';
import type { RelayPath } from '../network/network.ts';
import type { Doors } from './doors.ts';
import type { Entrance } from './entrance.ts';

/** A request that the relay refused until the person has signed in more strongly or more recently. */
export interface StepUpDemand {
  readonly challenge: SignInChallenge;
  /** The API's name, where it is known. */
  readonly api: string | undefined;
  /** When the request was sent, epoch ms: what the person has confirmed since then counts for it. */
  readonly sentAtMs: number;
}

/** A key that a tool has shown, and that is good. */
export interface GrantedKey {
  readonly name: string;
  /**
   * @param api with the profile's name in front where there are several: `acme/billing`
   * @throws {AgentError} `tool_key` when the key is for other APIs
   */
  checkApi(api: string | undefined): void;
}

/** Which keys tools must show. */
export interface ToolKeyCheck {
  /**
   * @returns the key; undefined where none was shown and none is needed
   * @throws {AgentError} `tool_key`
   */
  check(
    request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
    method: string,
  ): GrantedKey | undefined;
}

/** Whose the connections are. */
export interface PeerCheck {
  /** Begins to look at a connection, while its first request is still on its way. */
  accepted(socket: Socket, entrance: Entrance): void;
  /**
   * Waits a moment for the tool's name, on a connection's first request only.
   *
   * @returns what is known of the program at the other end
   * @throws {AgentError} `other_user`
   */
  check(
    socket: Socket,
    entrance: Entrance,
  ): Promise<{ tool(): { readonly name?: string; readonly pid?: number } | undefined }>;
}

/** One relay's side of the port. */
export interface ProxyProfile {
  /** As in paths and names of hosts. */
  readonly name: string;
  readonly title: string;
  /** @throws {AgentError} `audit_unavailable` when nothing is relayed for want of its audit */
  relayUrl(): URL | undefined;
  snapshot(): Omit<ProfileSnapshot, 'name' | 'title'>;
  /** What the signed-in person may use; asks the relay where that is not known yet, and never for a sign-in. */
  apis(): Promise<readonly ApiInfo[]>;
  /**
   * What shows an access token for one request; waits for a sign-in as long as the settings say.
   *
   * @throws {AgentError} `signed_out`, `relay_unreachable`, …
   */
  authorize(signal: AbortSignal): Promise<Access>;
  /** The relay refused this token: true when another one is now available. */
  renew(token: string): Promise<boolean>;
  /**
   * Asks the person to confirm who they are, and waits as long as the settings say; true when another
   * token is now available.
   */
  stepUp(demand: StepUpDemand, signal: AbortSignal): Promise<boolean>;
  relayReached(): void;
  relayFailed(error: unknown): void;
  readonly ledger: Pick<Ledger, 'admit'>;
}

/** A port that belongs to one API. */
export interface ApiPort {
  readonly port: number;
  readonly profile: string;
  readonly api: string;
  /** Where it is set: `apis.billing.port`. */
  readonly setting: string;
}

/** What the local proxy needs from the agent. */
export interface ProxyDeps {
  /** 0 is any free port. */
  readonly port: number;
  /** Ports that belong to one profile each, by its name. */
  readonly profilePorts: ReadonlyMap<string, number>;
  readonly apiPorts: readonly ApiPort[];
  /** A Unix socket, or a named pipe on Windows. */
  readonly socketPath: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly toolKeys: ToolKeyCheck;
  readonly peers: PeerCheck;
  readonly version: string;
  /** At least one; with several, paths and names begin with the profile's. */
  readonly profiles: readonly ProxyProfile[];
  /** The way to relays; directly and with the runtime's own trust without one. */
  readonly relayPath?: RelayPath;
  snapshot(): AgentSnapshot;
  /** For what is refused before it is known whom it is for. */
  readonly ledger: Pick<Ledger, 'admit'>;
  /** A refusal could not be recorded. */
  auditFailed(error: unknown): void;
  now(): number;
}

/** The localhost port, and what else leads to it. */
export interface Proxy {
  /** Begins new connections to the relays: those that rest may be dead after a sleep. */
  renewConnections(): void;
  /** @returns the ports that are open, and the doors that could not be opened */
  listen(): Promise<Pick<Doors, 'port' | 'profilePorts' | 'apiPorts' | 'shut'>>;
  /**
   * Takes nothing new, and lets what runs end; what has not ended then is cut. Resolves when each record that
   * was opened has its outcome.
   */
  drain(grace: Grace): Promise<void>;
  /** Closes at once what `drain` has left, or all. */
  close(): Promise<void>;
}
