import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Env } from '../../../../app/main/agent/network/env-proxy.ts';
import { isListed, isLoopback } from '../../../../app/main/agent/network/no-proxy.ts';
import { parseRoutes } from '../../../../app/main/agent/network/pac-list.ts';
import type { Pac } from '../../../../app/main/agent/network/pac.ts';
import {
  createProxyChoice,
  type ProxyChoice,
  type ProxyChoiceDeps,
} from '../../../../app/main/agent/network/proxy-choice.ts';
import {
  maskProxy,
  parseProxy,
  parseProxySetting,
} from '../../../../app/main/agent/network/proxy-setting.ts';
import { routeName } from '../../../../app/main/agent/network/route.ts';

const RELAY = 'https://relay.example.com/x?y';

function pacOf(answer: () => string): { readonly pac: Pac; readonly calls: () => number } {
  let calls = 0;
  const find = (): Promise<string> => {
    calls += 1;
    return Promise.resolve(answer());
  };
  return { pac: { find, outdated: () => undefined }, calls: () => calls };
}

function choose(deps: Partial<ProxyChoiceDeps>): ProxyChoice {
  const noPac = (): Pac => assert.fail('no script was named');
  return createProxyChoice({ env: {}, createPac: noPac, now: () => 0, ...deps });
}

async function named(choice: ProxyChoice, url = RELAY): Promise<string> {
  return (await choice.routes(new URL(url))).map(routeName).join(', ');
}

const system = (answer: string | undefined) => ({ resolveSystem: () => Promise.resolve(answer) });
const HTTPS_PROXY = 'http://env.example.com:1';

test('setting before system before environment', async () => {
  const env = { HTTPS_PROXY };
  assert.equal(await named(choose({ env })), 'http://env.example.com:1');
  assert.equal(
    await named(choose({ env, ...system('PROXY sys.example.com:2; DIRECT') })),
    'http://sys.example.com:2, direct',
  );
  assert.equal(await named(choose({ env, ...system('DIRECT') })), 'direct');
  assert.equal(await named(choose({ env, ...system(undefined) })), 'http://env.example.com:1');
  const rejects = { resolveSystem: () => Promise.reject(new Error('no')) };
  assert.equal(await named(choose({ env, ...rejects })), 'http://env.example.com:1');
  assert.equal(
    await named(choose({ env, setting: 'direct', ...system('PROXY sys.example.com:2') })),
    'direct',
  );
  assert.equal(
    await named(choose({ env, setting: 'https://set.example.com', ...system('DIRECT') })),
    'https://set.example.com:443',
  );
});

test('a setting that makes no sense refuses every call; it never means direct', async () => {
  const bad = [
    'socks5://a.example.com:1',
    'ftp://a',
    'http://a.example.com:1/path',
    'http://%',
    'pac+http://example.com/p',
    'pac+https://u:p@example.com/p',
    'http://u%:p@a.example.com',
    '',
  ];
  for (const setting of bad) {
    const choice = choose({ setting });
    assert.match(await named(choice), /^refused: network\.proxy/, setting);
    assert.equal(await named(choice, 'http://localhost:1'), 'direct');
  }
});

test('a password with special characters is decoded and shown as UTF-8', () => {
  const route = parseProxy('http://d%C3%B6mane%5Cann:p%40ss%3Aw%25rd@proxy.example.com:3128');
  assert.ok(route.kind === 'proxy');
  const shown = Buffer.from(route.proxy.authorization?.slice(6) ?? '', 'base64').toString('utf8');
  assert.equal(shown, 'dömane\\ann:p@ss:w%rd');
  assert.doesNotMatch(routeName(route), /ann|ss/);
});

test('a name or password cannot smuggle a header or end the name', () => {
  for (const userinfo of ['a%0d%0aX:b', 'a:b%0aX', 'a%3Ab:c', 'a:%00']) {
    assert.equal(parseProxy(`http://${userinfo}@p.example.com`).kind, 'refused', userinfo);
  }
});

test('no fault repeats the password, and the mask hides it', () => {
  for (const text of [
    'http://ann:hunter2@%:1',
    'socks5://ann:hunter2@a:1',
    'http://ann:hunter2@a:1/x',
    'ftp://ann:hunter2@a',
    'pac+https://ann:hunter2@a/p',
  ]) {
    assert.throws(
      () => parseProxySetting(text),
      (error: Error) => !/hunter2/.test(error.message),
      text,
    );
    assert.doesNotMatch(maskProxy(text), /ann|hunter2/);
  }
  assert.equal(maskProxy('http://ann:hu/n@ter2@p.example.com:1'), 'http://***@p.example.com:1');
  assert.equal(maskProxy('ann:hunter2@p.example.com:1'), '***@p.example.com:1');
  assert.equal(maskProxy('http://p.example.com:1'), 'http://p.example.com:1');
  assert.equal(maskProxy('direct'), 'direct');
});

const ENVIRONMENTS: readonly [Env, string, string][] = [
  [{ https_proxy: 'a:1' }, RELAY, 'http://a:1'],
  [{ HTTPS_PROXY: 'https://a:1' }, RELAY, 'https://a:1'],
  [{ https_proxy: 'a:1', HTTPS_PROXY: 'b:2' }, RELAY, 'http://a:1'],
  [{ https_proxy: '', HTTPS_PROXY: 'b:2', ALL_PROXY: 'c:3' }, RELAY, 'direct'],
  [{ http_proxy: 'a:1' }, RELAY, 'direct'],
  [{ http_proxy: 'a:1' }, 'http://example.com', 'http://a:1'],
  [{ HTTP_PROXY: 'a:1' }, 'http://example.com', 'http://a:1'],
  [{ HTTP_PROXY: 'a:1', REQUEST_METHOD: 'GET' }, 'http://example.com', 'direct'],
  [{ http_proxy: 'a:1', REQUEST_METHOD: 'GET' }, 'http://example.com', 'http://a:1'],
  [{ all_proxy: 'a:1' }, RELAY, 'http://a:1'],
  [{ ALL_PROXY: 'a:1' }, 'http://example.com', 'http://a:1'],
  [
    { ALL_PROXY: 'socks5://a:1' },
    RELAY,
    'refused: the environment variable ALL_PROXY: SOCKS proxies are not supported; name an http:// or https:// proxy',
  ],
  [{ HTTPS_PROXY: 'a:1', NO_PROXY: 'example.com' }, RELAY, 'direct'],
  [{ HTTPS_PROXY: 'a:1', NO_PROXY: '*', no_proxy: '' }, RELAY, 'http://a:1'],
  [{ HTTPS_PROXY: 'a:1' }, 'https://localhost:8443', 'direct'],
  [{ HTTPS_PROXY: 'a:1' }, 'https://x.localhost', 'direct'],
  [{ HTTPS_PROXY: 'a:1' }, 'https://127.9.9.9', 'direct'],
  [{ HTTPS_PROXY: 'a:1' }, 'https://[::1]:8443', 'direct'],
  [{ HTTPS_PROXY: 'a:1' }, 'https://localhost.example.com', 'http://a:1'],
];

test('the environment, variable by variable', async () => {
  for (const [env, url, expected] of ENVIRONMENTS)
    assert.equal(await named(choose({ env }), url), expected, JSON.stringify(env));
});

test('HTTP_PROXY as a header of a CGI request is not believed (httpoxy)', async () => {
  const env = { HTTP_PROXY: 'http://evil.example.com:1', REQUEST_METHOD: 'POST' };
  assert.equal(await named(choose({ env }), 'http://example.com'), 'direct');
});

const LISTS: readonly [string, string, boolean][] = [
  ['example.com', 'https://example.com', true],
  ['example.com', 'https://relay.example.com', true],
  ['.example.com', 'https://relay.example.com', true],
  ['.example.com', 'https://example.com', true],
  ['*.example.com', 'https://relay.example.com', true],
  ['EXAMPLE.com.', 'https://relay.example.com', true],
  ['example.com', 'https://relay.example.com.', true],
  ['example.com', 'https://badexample.com', false],
  ['example.com', 'https://example.com.evil.test', false],
  ['a.test, example.com b.test', 'https://example.com', true],
  ['example.com:8443', 'https://example.com:8443', true],
  ['example.com:8443', 'https://example.com', false],
  ['example.com:443', 'https://example.com', true],
  ['*', 'https://example.com', true],
  ['10.0.0.0/8', 'https://10.200.3.4', true],
  ['10.0.0.0/8', 'https://11.0.0.1', false],
  ['10.0.0.0/8', 'https://10.example.com', false],
  ['10.3.4.5', 'https://10.3.4.5', true],
  ['4.5', 'https://10.3.4.5', false],
  ['10.3.4.5:443', 'https://10.3.4.5', true],
  ['fd00::/8', 'https://[fd12::1]', true],
  ['fd00::1', 'https://[fd00:0::1]', true],
  ['[fd00::1]:8443', 'https://[fd00::1]:8443', true],
  ['[fd00::1]:8443', 'https://[fd00::1]', false],
  ['10.0.0.0/99', 'https://10.0.0.1', false],
  ['10.0.0.0/', 'https://10.0.0.1', false],
  ['', 'https://example.com', false],
  [' , ,', 'https://example.com', false],
];

test('NO_PROXY, entry by entry', () => {
  for (const [list, url, expected] of LISTS)
    assert.equal(isListed(list, new URL(url)), expected, `${list} and ${url}`);
});

test('what is on this computer, and what only looks so', () => {
  for (const host of [
    'localhost',
    'LOCALHOST.',
    'a.b.localhost',
    '127.0.0.1',
    '127.255.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ])
    assert.ok(isLoopback(host), host);
  for (const host of ['localhost.evil.test', 'notlocalhost', '128.0.0.1', '[::2]', '0.0.0.0'])
    assert.ok(!isLoopback(host), host);
});

test('the own local port in the environment, as tools have it, makes no loop', async () => {
  const env = { HTTPS_PROXY: 'http://localhost:5390', ALL_PROXY: 'http://localhost:5390' };
  assert.equal(await named(choose({ env, ownPort: () => 5390 })), 'direct');
  assert.equal(await named(choose({ env, ownPort: () => 5391 })), 'http://localhost:5390');
});

test('the answers of scripts and systems', () => {
  const cases: readonly [string, RegExp][] = [
    ['', /^direct$/],
    ['DIRECT', /^direct$/],
    [
      ' proxy a.example.com:1 ;; HTTPS b.example.com; direct; ',
      /^http:\/\/a\.example\.com:1, https:\/\/b\.example\.com:443, direct$/,
    ],
    ['PROXY [fd00::1]:3128', /^http:\/\/\[fd00::1\]:3128$/],
    ['SOCKS5 a:1; DIRECT', /^refused: .*SOCKS.*, direct$/],
    ['PROXY u:p@evil.example.com:1', /^refused: [^,]*not understood$/],
    ['PROXY a:1/x', /^refused/],
    ['PROXY a:99999', /^refused/],
    ['QUIC a:1', /^refused/],
    ['PROXY', /^refused/],
    ['DIRECT x', /^refused/],
  ];
  for (const [answer, expected] of cases)
    assert.match(parseRoutes(answer).map(routeName).join(', '), expected, answer);
  assert.equal(parseRoutes('PROXY a:1;'.repeat(1_000)).length, 8);
});

test('a script is asked once for a while, by all who wait; a proxy that failed is tried last', async () => {
  let nowMs = 0;
  const { pac, calls } = pacOf(() => 'PROXY a:1; PROXY b:2');
  const choice = choose({
    setting: 'pac+https://p.example.com/x',
    createPac: () => pac,
    now: () => nowMs,
  });
  const url = new URL(RELAY);
  assert.equal(choice.known(url), undefined);
  await Promise.all([choice.routes(url), choice.routes(url)]);
  assert.equal(calls(), 1);
  const [first] = await choice.routes(url);
  assert.ok(first !== undefined);
  choice.failed(url, first);
  assert.equal(await named(choice), 'http://b:2, http://a:1');
  assert.equal(calls(), 2);
  assert.deepEqual(choice.known(url)?.map(routeName), ['http://b:2', 'http://a:1']);
  nowMs += 300_000;
  assert.equal(await named(choice), 'http://a:1, http://b:2');
});

test('a system that throws, or never answers, is passed over', async () => {
  const env = { HTTPS_PROXY };
  const throws = (): never => assert.fail('broken');
  assert.equal(await named(choose({ env, resolveSystem: throws })), 'http://env.example.com:1');
  const hangs = (): Promise<string> => new Promise(() => undefined);
  assert.equal(await named(choose({ env, resolveSystem: hangs })), 'http://env.example.com:1');
});

test('a script that failed is asked again soon, for the network may be back', async () => {
  let nowMs = 0;
  let broken = true;
  const find = (): Promise<string> =>
    broken ? Promise.reject(new Error('no')) : Promise.resolve('PROXY a:1');
  const choice = choose({
    setting: 'pac+https://p.example.com/x',
    createPac: () => ({ find, outdated: () => undefined }),
    now: () => nowMs,
  });
  assert.match(await named(choice), /^refused/);
  broken = false;
  nowMs += 3_000;
  assert.equal(await named(choice), 'http://a:1');
});

test('the system hears of no path and no query', async () => {
  const asked: string[] = [];
  const resolveSystem = (url: string): Promise<string> => {
    asked.push(url);
    return Promise.resolve('DIRECT');
  };
  await choose({ resolveSystem }).routes(new URL('https://relay.example.com:8443/secret?code=1'));
  assert.deepEqual(asked, ['https://relay.example.com:8443/']);
});
