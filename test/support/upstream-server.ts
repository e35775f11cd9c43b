import { createServer } from 'node:http';

// A process of its own that can be killed: `node upstream-server.ts NAME PORT` answers with its name.
const [name = '', port = '0'] = process.argv.slice(2);
const server = createServer((request, response) => {
  request.resume();
  // Some time passes, so that there is always something under way.
  setTimeout(() => response.writeHead(200, { 'x-name': name }).end(name), 2);
});
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
// Whoever started it may be killed, too.
process.stdin.resume().on('end', () => process.exit(0));
