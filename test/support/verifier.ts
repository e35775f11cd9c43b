import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { RelayError } from '../../relay/errors.ts';
import type { RelayErrorCode } from '../../relay/errors.ts';
import type { IssuerConfig } from '../../relay/config/config.ts';
import type { Credential } from '../../relay/auth/bearer.ts';
import { createIssuerKeys } from '../../relay/auth/jwks.ts';
import type { IssuerDeps, IssuerEvent, IssuerState } from '../../relay/auth/jwks.ts';
import { createIssuerPool } from '../../relay/auth/pool.ts';
import type { Principal } from '../../relay/auth/principal.ts';
import type { Presentation } from '../../relay/auth/presentation.ts';
import { createMemoryState } from '../../relay/state/memory.ts';
import { createVerifier } from '../../relay/auth/verify.ts';
import { createTestIssuer } from './issuer.ts';
import type { TestIssuer, TestIssuerOptions } from './issuer.ts';

/** A request without any proof of possession. */
export const plainPresentation: Presentation = {
  method: 'GET',
  htu: 'https://relay.example.com/billing/invoices',
  proofs: [],
  certificateThumbprint: () => undefined,
};

/** A verifier with its issuers' keys. */
export interface TestVerifier {
  start(): void;
  close(): void;
  states(): readonly IssuerState[];
  verify(credential: Credential, shown?: Presentation): Promise<Principal>;
}

/** A clock that moves only when told, beginning at the real time. */
export interface TestClock {
  readonly now: () => number;
  readonly advance: (ms: number) => void;
}

export function createTestClock(): TestClock {
  let offsetMs = 0;
  const startMs = Date.now();
  return {
    now: () => startMs + offsetMs,
    advance: (ms) => {
      offsetMs += ms;
    },
  };
}

export interface Bench {
  readonly issuer: TestIssuer;
  readonly verifier: TestVerifier;
  readonly clock: TestClock;
  readonly events: readonly IssuerEvent[];
  /** Every URL that the verifier asked for. */
  readonly fetched: readonly string[];
}

/** One real issuer and a verifier that trusts it, both closed when the test ends. */
export async function createBench(
  t: TestContext,
  options: {
    readonly issuer?: TestIssuerOptions;
    readonly config?: Partial<IssuerConfig>;
    readonly others?: readonly IssuerConfig[];
    readonly timing?: IssuerDeps['timing'];
  } = {},
): Promise<Bench> {
  const issuer = await createTestIssuer(options.issuer);
  const clock = createTestClock();
  const events: IssuerEvent[] = [];
  const fetched: string[] = [];
  const issuers = [issuer.config(options.config), ...(options.others ?? [])];
  const issuerDeps: IssuerDeps = {
    now: clock.now,
    fetch: async (input, init) => {
      fetched.push(input instanceof Request ? input.url : String(input));
      return await fetch(input, init);
    },
    log: (event) => events.push(event),
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  };
  const state = createMemoryState(clock.now);
  const pool = createIssuerPool({
    createKeys: (config) => createIssuerKeys(config, issuerDeps),
    createIntrospector: () => {
      throw new Error('not in this bench');
    },
  });
  const made = createVerifier(issuers, {
    now: clock.now,
    ...pool,
    state,
    proofs: { check: () => Promise.resolve() },
  });
  const verifier: TestVerifier = {
    start: () => pool.start(issuers),
    close: () => pool.retain([]),
    states: made.states,
    verify: (credential, shown = plainPresentation) => made.verify(credential, shown),
  };
  t.after(async () => {
    verifier.close();
    await issuer.close();
  });
  return { issuer, verifier, clock, events, fetched };
}

export const bearer = (token: string): Credential => ({ scheme: 'bearer', token });

/** Asserts that a token is refused with a code, and that the refusal does not repeat the token. */
export async function assertRefused(
  verifier: TestVerifier,
  token: string,
  code: RelayErrorCode,
  message?: string,
): Promise<void> {
  await assert.rejects(
    verifier.verify(bearer(token)),
    (error: unknown) => {
      assert.ok(error instanceof RelayError, String(error));
      assert.equal(error.code, code, message);
      for (const part of token.split('.'))
        if (part.length > 8)
          assert.ok(!error.message.includes(part), 'the refusal shows the token');
      return true;
    },
    message,
  );
}
