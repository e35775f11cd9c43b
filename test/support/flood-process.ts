import http from 'node:http';

// Sends tokens of unknown kids at a rate, from a process of its own: argv is URL, tokens a second, seconds, and a token to vary.
const [url = '', rate = '0', seconds = '0', token = ''] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const [header = '', payload = '', signature = ''] = token.split('.');
const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
const statuses: Record<number, number> = {};
const startMs = Date.now();
const endMs = startMs + Number(seconds) * 1000;
let sent = 0;
let open = 0;

function send(): void {
  sent += 1;
  open += 1;
  const kid = `unknown-${sent}-${Math.random()}`;
  const changed = Buffer.from(JSON.stringify({ ...members, kid })).toString('base64url');
  const headers = { authorization: `Bearer ${changed}.${payload}.${signature}` };
  const count = (status: number): void => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    open -= 1;
  };
  http
    .get(url, { agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => count(answer.statusCode ?? 0));
    })
    .on('error', () => count(0));
}

const timer = setInterval(() => {
  const nowMs = Date.now();
  const due = ((Math.min(nowMs, endMs) - startMs) / 1000) * Number(rate);
  // What the relay cannot take is left out, not piled up.
  while (sent < due && open < 500) send();
  if (nowMs < endMs || open > 0) return;
  clearInterval(timer);
  agent.destroy();
  process.stdout.write(`${JSON.stringify({ sent, statuses, ms: nowMs - startMs })}\n`);
}, 5);
