import type { Check, CheckContext, Found } from './check.ts';
import type { TokenFacts } from '../agent/session/token-facts.ts';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { askApp } from './app.ts';
import { tokenProblems } from './token-claims.ts';

const facts = z.object({
  form: z.enum(['jwt', 'opaque']),
  issuer: z.string(),
  type: z.enum(['bearer', 'dpop']),
  granted: z.array(z.string()).exactOptional(),
  lifeMs: z.number(),
  claims: z
    .object({
      issuer: z.string().exactOptional(),
      audience: z.array(z.string()),
      scopes: z.array(z.string()).exactOptional(),
      boundTo: z.enum(['nothing', 'our key', 'another key', 'a certificate']),
    })
    .exactOptional(),
}) satisfies z.ZodType<TokenFacts>;

/** Is the access token one that the relay can take? The token itself stays in the app. */
export const tokenCheck: Check = {
  name: 'token',
  needs: ['app', 'relay-metadata'],
  todo: 'Restart Latchkey, then run `latchkey doctor` again.',
  run: checkToken,
};

async function checkToken(context: CheckContext): Promise<Found> {
  const { app, metadata } = context.facts;
  if (!app || !metadata) return { outcome: 'skip', detail: 'nothing is known of app or relay' };
  const { profile } = context;
  const query = profile === undefined ? '' : `?profile=${encodeURIComponent(profile.name)}`;
  const response = await askApp(context, `/token${query}`);
  const answer: unknown = JSON.parse(await text(response));
  if (response.statusCode !== 200) {
    return { outcome: 'skip', detail: 'the running Latchkey does not tell; restart it' };
  }
  if (answer === null) return { outcome: 'skip', detail: 'nobody is signed in' };
  const token = facts.parse(answer);
  const isTaken = app.fault === undefined && app.apis.length > 0;
  const problems = tokenProblems(token, metadata, isTaken);
  const [first] = problems;
  if (first === undefined) return { outcome: 'ok', detail: inOrder(token, isTaken) };
  const detail = problems.map((problem) => problem.detail).join(' | ');
  return { outcome: first.outcome, detail: `the access token: ${detail}`, todo: first.todo };
}

function inOrder({ form, type, lifeMs, claims }: TokenFacts, isTaken: boolean): string {
  const bound = type === 'dpop' ? 'bound to this computer’s key' : 'bound to no key';
  const known = form === 'jwt' ? 'a JWT' : 'opaque: only the provider can look into it';
  const minutes = Math.round(lifeMs / 60_000);
  const whom = claims === undefined ? '' : `, for ${claims.audience.join(', ')}`;
  const taken = isTaken ? ', and the relay takes it' : '';
  return `the access token is ${known}${whom}; ${bound}; it lives ${minutes} min${taken}`;
}
