import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { loadConfig } from '../../relay/config/load.ts';
import { startRelay } from '../../relay/serve.ts';
import { heardLog } from '../support/heard-log.ts';
import { makeSigningKey, type SigningKey } from '../support/issuer.ts';
import { createRawUpstream } from '../support/raw.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

/** Set LATCHKEY_DRILL=full for the whole drill: 1,000 tokens a second for 10 s. */
const FULL = process.env['LATCHKEY_DRILL'] === 'full';
const FLOOD = FULL ? { rate: 1000, seconds: 10 } : { rate: 300, seconds: 4 };
const AUDIENCE = 'https://relay.test';
const support = join(import.meta.dirname, '..', 'support');
const processes = new Set<ChildProcess>();
after(() => processes.forEach((child) => child.kill('SIGKILL')));

function start(script: string, argv: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(support, script), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.add(child);
  return child;
}

/** The issuer's process, its keys and what was asked of it. */
async function createIssuer(dir: string) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const file = join(dir, 'jwks.json');
  const asked = { jwks: 0, discovery: 0 };
  let child: ChildProcess | undefined;
  return {
    issuer,
    asked,
    publish: (keys: readonly SigningKey[]) =>
      writeFile(file, JSON.stringify({ keys: keys.map((key) => key.publicJwk) })),
    async up() {
      child = start('issuer-process.ts', [String(port), file]);
      const listening = new Promise<void>((resolve) => {
        child?.stdout?.on('data', (chunk: Buffer) => {
          for (const line of chunk.toString().trim().split('\n'))
            if (line === 'listening') resolve();
            else if (line === 'jwks' || line === 'discovery') asked[line] += 1;
        });
      });
      await listening;
    },
    async kill() {
      child?.kill('SIGKILL');
      if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** A token of a clock that is off by so many seconds. */
function mint(issuer: string, key: SigningKey, offS: number): Promise<string> {
  const iat = Math.floor(Date.now() / 1000) + offS;
  const claims = { scope: 'read', client_id: 'c', jti: String(Math.random()), iat, nbf: iat };
  return new SignJWT({ ...claims, iss: issuer, aud: AUDIENCE, sub: 'u', exp: iat + 300 })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
    .sign(key.privateKey);
}

/** Asks at a steady pace with one token after another; every answer is counted. */
function goodTraffic(url: string, tokens: readonly string[]) {
  const statuses = new Map<number, number>();
  const delays: number[] = [];
  const end = new AbortController();
  const done = (async () => {
    for (let at = 0; !end.signal.aborted; at++) {
      const startMs = performance.now();
      const authorization = `Bearer ${tokens[at % tokens.length]}`;
      const { status } = await fetch(url, { headers: { authorization } }).then(
        async (answer) => (await answer.arrayBuffer(), answer),
      );
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      delays.push(performance.now() - startMs);
      await sleep(15);
    }
  })();
  return {
    statuses,
    delays,
    async stop() {
      end.abort();
      await done;
    },
  };
}

const median = (values: readonly number[]): number =>
  Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 10) / 10;

/** An issuer with one key, and a relay in front of an API that anybody with the scope may use. */
async function createDrill(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-drill-'));
  const idp = await createIssuer(dir);
  const old = await makeSigningKey('ES256', 'old');
  const fresh = await makeSigningKey('ES256', 'fresh');
  await idp.publish([old]);
  await idp.up();
  const upstream = await createRawUpstream();
  const file = join(dir, 'relay.yaml');
  await writeFile(
    file,
    `listen: 127.0.0.1:0
issuers:
  - { issuer: '${idp.issuer}', audience: ['${AUDIENCE}'], algorithms: [ES256] }
apis:
  x: { upstream: '${upstream.url}', rules: [{ name: any, allow: { scopes: [read] } }] }
audit: { dir: ./audit }
limits: { failedAuthentications: off }
`,
  );
  const logTo = heardLog();
  const relay = await startRelay(await loadConfig(file, { env: {} }), { version: '0', logTo });
  t.after(async () => {
    await relay.stop();
    await idp.kill();
    await upstream.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { idp, old, fresh, url: `${relay.url}/x/a` };
}

test('outage drill: a flood of unknown kids, a rotation, a killed issuer, clocks 25 s apart', async (t) => {
  const { idp, old, fresh, url } = await createDrill(t);
  const tokens = await Promise.all([0, 25, -25].map((offS) => mint(idp.issuer, old, offS)));
  const calm = goodTraffic(url, tokens);
  await sleep(1000);
  await calm.stop();

  const good = goodTraffic(url, tokens);
  const before = { ...idp.asked };
  const startMs = performance.now();
  const floodArgv = [url, FLOOD.rate, FLOOD.seconds, await mint(idp.issuer, old, 0)].map(String);
  const flood = start('flood-process.ts', floodArgv);
  let flooded = '';
  flood.stdout?.on('data', (chunk: Buffer) => (flooded += chunk.toString()));
  // A process takes its time to start: the first unknown kid must come while the issuer is there.
  await until('the first unknown kid has come', () => idp.asked.jwks > before.jwks);
  const part = (FLOOD.seconds * 1000) / 5;
  await sleep(part);
  await idp.publish([old, fresh]);
  await sleep(part);
  await idp.kill();
  await sleep(part);
  await idp.up();
  await until('the flood has told what became of it', () => flooded.endsWith('\n'));
  await good.stop();
  const cooldowns = 1 + Math.floor((performance.now() - startMs) / 30_000);

  const sent = JSON.parse(flooded) as {
    sent: number;
    statuses: Record<string, number>;
    ms: number;
  };
  const figures = {
    flood: { perSecond: Math.round((sent.sent / sent.ms) * 1000), statuses: sent.statuses },
    good: { statuses: Object.fromEntries(good.statuses), p50Ms: median(good.delays) },
    calmP50Ms: median(calm.delays),
    jwksFetches: idp.asked.jwks - before.jwks,
    rssMiB: Math.round(process.memoryUsage().rss / 1024 ** 2),
  };
  console.log(JSON.stringify({ drill: FULL ? 'full' : 'short', ...figures }));
  assert.deepEqual([...good.statuses.keys()], [200], 'a good token was refused');
  // Usually over a hundred; how many they are is a matter of the machine.
  assert.ok((good.statuses.get(200) ?? 0) >= 5, 'hardly any good traffic');
  assert.deepEqual(Object.keys(sent.statuses), ['401'], 'garbage is 401, and nothing else');
  // On most machines the whole flood is shorter than one cooldown of 30 s.
  assert.ok(
    figures.jwksFetches <= cooldowns,
    `${figures.jwksFetches} fetches for the flood's sake`,
  );
});

/** It takes a whole cooldown: for the nightly run. */
if (FULL)
  test('a key rotated during a flood is taken up after one cooldown', async (t) => {
    const { idp, old, fresh, url } = await createDrill(t);
    const flood = start('flood-process.ts', [url, '1000', '35', await mint(idp.issuer, old, 0)]);
    await sleep(1000);
    await idp.publish([old, fresh]);
    const startMs = Date.now();
    const token = await mint(idp.issuer, fresh, 0);
    let takenUpMs = 0;
    while (takenUpMs === 0 && Date.now() - startMs < 35_000) {
      const { status } = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      if (status === 200) takenUpMs = Date.now() - startMs;
      await sleep(250);
    }
    flood.kill();
    console.log(
      JSON.stringify({ drill: 'rotation under flood', takenUpMs, jwksFetches: idp.asked.jwks }),
    );
    assert.ok(takenUpMs > 0 && takenUpMs <= 31_000, `taken up after ${takenUpMs} ms`);
    assert.ok(idp.asked.jwks <= 3, `${idp.asked.jwks} fetches in 35 s`);
  });
