// Express 5 with Auth0's express-oauth2-jwt-bearer and http-proxy-middleware.
// `express.mjs PORT UPSTREAM JWKS_URI ISSUER AUDIENCE SCOPE`
import http from 'node:http';
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { createProxyMiddleware } from 'http-proxy-middleware';

const [port, upstream, jwksUri, issuer, audience, scope] = process.argv.slice(2);
const app = express();
app.disable('x-powered-by');
app.use(auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }));
app.use(requiredScopes(scope));
app.use(
  createProxyMiddleware({
    target: upstream,
    xfwd: true,
    agent: new http.Agent({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: 256 }),
  }),
);
app.use((error, _request, response, _next) => void response.status(error.status ?? 500).end());
const server = app.listen(Number(port), '127.0.0.1');
server.keepAliveTimeout = 65_000;
