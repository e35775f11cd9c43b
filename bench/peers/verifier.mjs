// For nginx's auth_request: answers 204, 401 or 403 to the bearer token that it is shown.
// `verifier.mjs PORT PUBLIC_KEY_FILE ISSUER AUDIENCE SCOPE`
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createVerifier } from 'fast-jwt';

const [port, keyFile, issuer, audience, scope] = process.argv.slice(2);
const verify = createVerifier({
  key: readFileSync(keyFile, 'utf8'),
  algorithms: ['RS256'],
  allowedIss: issuer,
  allowedAud: audience,
});

function judge(authorization = '') {
  if (!authorization.startsWith('Bearer ')) return 401;
  try {
    const claims = verify(authorization.slice(7));
    return String(claims.scope).split(' ').includes(scope) ? 204 : 403;
  } catch {
    return 401;
  }
}

const server = http.createServer((request, response) => {
  response.writeHead(judge(request.headers.authorization), { 'Content-Length': 0 }).end();
});
server.keepAliveTimeout = 65_000;
server.listen(Number(port), '127.0.0.1');
