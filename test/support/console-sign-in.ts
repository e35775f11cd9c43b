import type { RelayConfig, SignInConfig } from '../../relay/config/config.ts';
import { createConsoleBench, type ConsoleBench } from './console-bench.ts';
import {
  createJar,
  startConsoleProvider,
  walkToCallback,
  type ConsoleProvider,
  type Jar,
  type ProviderOptions,
} from './console-provider.ts';

/** A console that people sign in to at a real provider. */
export interface SignInBench {
  readonly bench: ConsoleBench;
  readonly provider: ConsoleProvider;
}

/** How a test's sign-in differs. */
export interface SignInOptions extends ProviderOptions {
  /** YAML under `management`, indented by two spaces; under `management.signIn` by four. */
  readonly more?: string;
  readonly rolesIn?: 'id-token' | 'userinfo';
  /** YAML at the top of the relay's file. */
  readonly top?: string;
  /** What the provider knows of the client, beside its addresses. */
  readonly client?: Partial<Parameters<ConsoleProvider['register']>[0]>;
  /** Changes what the file says of sign-ins: files know no sessions shorter than a minute. */
  readonly signIn?: Partial<SignInConfig>;
  /** Whether the provider's people use the relay's APIs, too. */
  readonly isIssuer?: boolean;
}

function withChanges(signIn: Partial<SignInConfig>): (config: RelayConfig) => RelayConfig {
  return (config) => {
    const { management } = config;
    if (management?.signIn === undefined) return config;
    return {
      ...config,
      management: { ...management, signIn: { ...management.signIn, ...signIn } },
    };
  };
}

/** Starts relay and provider for one test. */
export async function withSignIn(
  t: { after(close: () => Promise<void>): void },
  options: SignInOptions = {},
): Promise<SignInBench> {
  const provider = await startConsoleProvider(options.rolesIn ?? 'id-token', options);
  t.after(() => provider.close());
  const bench = await createConsoleBench(t, {
    ...(options.top === undefined ? {} : { top: options.top }),
    management: `
  listen: 127.0.0.1:0
  signIn:
    issuer: ${provider.issuer}
    clientId: latchkey-console
    role: auditor
    rolesClaim: realm_access.roles
${options.more ?? ''}`,
    ...(options.signIn === undefined ? {} : { config: withChanges(options.signIn) }),
    ...(options.isIssuer === true
      ? {
          issuer: `  - issuer: ${provider.issuer}
    audience: [https://relay.test]
    algorithms: [RS256]`,
        }
      : {}),
  });
  provider.register({
    redirect_uris: [`${bench.url}/console/callback`],
    post_logout_redirect_uris: [`${bench.url}/console/signed-out`],
    token_endpoint_auth_method: 'none',
    ...(options.isIssuer === true
      ? { backchannel_logout_uri: `${bench.relay.url}/.latchkey/backchannel-logout` }
      : {}),
    ...options.client,
  });
  await bench.send('alice', '/x/invoices');
  return { bench, provider };
}

/** Signs somebody in, in a browser of their own. */
export async function signIn(
  { bench }: SignInBench,
  user: string,
): Promise<{ readonly jar: Jar; readonly answer: Response }> {
  const jar = createJar();
  const from = `${bench.url}/console/sign-in?to=/console/people`;
  const callback = await walkToCallback(jar, from, user);
  return { jar, answer: await jar.visit(callback) };
}

/** What the page sends when somebody signs out. */
export const SIGN_OUT = { method: 'POST', headers: { 'content-type': 'application/json' } };
