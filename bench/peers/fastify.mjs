// Fastify 5 with @fastify/jwt and @fastify/http-proxy.
// `fastify.mjs PORT UPSTREAM PUBLIC_KEY_FILE ISSUER AUDIENCE SCOPE CACHED_TOKENS`
import { readFileSync } from 'node:fs';
import fastifyProxy from '@fastify/http-proxy';
import fastifyJwt from '@fastify/jwt';
import createFastify from 'fastify';

const [port, upstream, keyFile, issuer, audience, scope, cached] = process.argv.slice(2);
const app = createFastify({ logger: false, keepAliveTimeout: 65_000, bodyLimit: 2 ** 40 });
app.register(fastifyJwt, {
  secret: { public: readFileSync(keyFile, 'utf8') },
  verify: {
    algorithms: ['RS256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache: Number(cached) > 0 ? Number(cached) : false,
  },
});
app.addHook('onRequest', async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch {
    return await reply.code(401).send();
  }
  const isAllowed = String(request.user.scope).split(' ').includes(scope);
  return isAllowed ? undefined : await reply.code(403).send();
});
app.register(fastifyProxy, { upstream, undici: { connections: 256, pipelining: 1 } });
await app.listen({ port: Number(port), host: '127.0.0.1' });
