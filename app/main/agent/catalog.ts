import type { Fetch } from './login/outbound.ts';
import type { ApiInfo, ApiRule, SignedInUser } from './status.ts';
import type { Access } from './session/access.ts';
import { z } from 'zod';
import { AgentError } from './errors.ts';
import { transportReason } from './login/outbound.ts';

/** What the relay tells a signed-in person. */
export interface Catalog {
  readonly user: SignedInUser;
  readonly apis: readonly Omit<ApiInfo, 'localUrl' | 'ownUrl'>[];
}

/** The relay refused the token itself; a renewed one may be accepted. */
export interface TokenRefused {
  readonly kind: 'refused';
  readonly code: string;
}

const rule = z.object({
  name: z.string(),
  methods: z.array(z.string()).default([]),
  paths: z.array(z.string()).default([]),
  allowed: z.boolean(),
  missing: z.string().nullish(),
});

const apiAnswer = z.object({
  name: z.string(),
  title: z.string().nullish(),
  description: z.string().nullish(),
  docs: z.string().nullish(),
  path: z.string().startsWith('/'),
  hosts: z.array(z.string()).default([]),
  rules: z.array(rule).default([]),
});

const apisAnswer = z.object({ apis: z.array(apiAnswer) });

const whoamiAnswer = z.object({
  user: z.string(),
  name: z.string().nullish(),
  email: z.string().nullish(),
});

const problem = z.object({ code: z.string().max(60) });

/**
 * Asks the relay who the person is and which APIs they may use.
 *
 * @param relay the relay's origin
 * @param access shows the token
 * @param deps fetch and the time-out of each call in ms
 * @returns the catalogue, or that the token was refused
 * @throws {AgentError} `relay_unreachable`, `relay_protocol`
 */
export async function fetchCatalog(
  relay: URL,
  access: Access,
  deps: { readonly fetch: Fetch; readonly timeoutMs: number },
): Promise<Catalog | TokenRefused> {
  const ask = (path: string): Promise<unknown> => call(new URL(path, relay), access, deps);
  const [apis, whoami] = await Promise.all([ask('/.latchkey/apis'), ask('/.latchkey/whoami')]);
  if (isRefused(apis)) return apis;
  if (isRefused(whoami)) return whoami;
  const list = apisAnswer.safeParse(apis);
  const person = whoamiAnswer.safeParse(whoami);
  if (!list.success || !person.success) throw badAnswer(relay, 'not in the agreed form');
  return {
    user: {
      subject: person.data.user,
      ...(person.data.name ? { name: person.data.name } : {}),
      ...(person.data.email ? { email: person.data.email } : {}),
    },
    apis: list.data.apis.map(toApi),
  };
}

function toApi(api: z.infer<typeof apiAnswer>): Catalog['apis'][number] {
  return {
    name: api.name,
    title: api.title ?? api.name,
    ...(api.description ? { description: api.description } : {}),
    ...(api.docs ? { docs: api.docs } : {}),
    path: api.path,
    hosts: api.hosts,
    rules: api.rules.map(toRule),
  };
}

function toRule({ missing, ...rest }: z.infer<typeof rule>): ApiRule {
  return missing ? { ...rest, missing } : rest;
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

async function get(
  url: URL,
  access: Access,
  deps: { readonly fetch: Fetch; readonly timeoutMs: number },
): Promise<Answered> {
  const send = async (): Promise<Answered & { readonly again: boolean }> => {
    const fields = access.headers('GET', url.href);
    const headers = new Headers({ accept: 'application/json' });
    for (let index = 0; index + 1 < fields.length; index += 2)
      headers.append(fields[index] as string, fields[index + 1] as string);
    // A redirect must never carry the token elsewhere.
    const init = {
      redirect: 'manual',
      headers,
      signal: AbortSignal.timeout(deps.timeoutMs),
    } as const;
    const response = await deps.fetch(url.href, init);
    const again = access.offered(response.status, [...response.headers].flat());
    return { status: response.status, text: await response.text(), again };
  };
  const first = await send();
  return first.again ? await send() : first;
}

async function call(
  url: URL,
  access: Access,
  deps: { readonly fetch: Fetch; readonly timeoutMs: number },
): Promise<unknown> {
  let response: Answered;
  try {
    response = await get(url, access, deps);
  } catch (error) {
    throw new AgentError(
      'relay_unreachable',
      `The relay ${url.host} cannot be reached (${transportReason(error)}). Check the network; Latchkey keeps trying.`,
      { cause: error },
    );
  }
  const body = parse(response.text);
  if (response.status === 401) {
    const said = problem.safeParse(body);
    return { kind: 'refused', code: said.success ? said.data.code : 'unknown' };
  }
  if (response.status >= 500) {
    throw new AgentError(
      'relay_unreachable',
      `The relay ${url.host} is not ready (it answers ${response.status}). Latchkey keeps trying.`,
    );
  }
  if (response.status !== 200) throw badAnswer(url, `status ${response.status}`);
  return body;
}

/**
 * Tells whether an answer is a refusal of the token.
 *
 * @param answer what {@link fetchCatalog} returned
 * @returns true for a refusal
 */
export function isRefused(answer: unknown): answer is TokenRefused {
  return (
    typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === 'refused'
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function badAnswer(relay: URL, reason: string): AgentError {
  return new AgentError(
    'relay_protocol',
    `The relay ${relay.host} gave an answer that Latchkey does not understand (${reason}). Check the relay's address and version.`,
  );
}
