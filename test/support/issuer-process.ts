import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

// An issuer in a process of its own, so that it can be killed: argv is a port and a file with its JWK set.
const [port = '0', file = ''] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
createServer((request, response) => {
  const isKeys = request.url === '/jwks';
  process.stdout.write(`${isKeys ? 'jwks' : 'discovery'}\n`);
  response.setHeader('content-type', 'application/json');
  response.end(
    isKeys ? readFileSync(file, 'utf8') : JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }),
  );
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
