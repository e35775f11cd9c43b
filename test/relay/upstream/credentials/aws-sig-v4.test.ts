import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { RelayError } from '../../../../relay/errors.ts';
import { createAwsSigner } from '../../../../relay/upstream/credentials/aws-sig-v4.ts';
import type { Sent, Shown } from '../../../../relay/upstream/credentials/credentials.ts';
import { createRelayBench } from '../../../support/relay.ts';
import { codeOf, createRawUpstream, sendRaw, statusOf } from '../../../support/raw.ts';
import { received, withCredentials } from '../../../support/token-endpoint.ts';

const credentials = {
  kind: 'awsSigV4',
  region: 'us-east-1',
  service: 'service',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
} as const;
const caller = { token: () => 'not asked for', expiresAtMs: 0 };
const atMs = Date.parse('2015-08-30T12:36:00Z');

function shownFor(sent: Partial<Sent>, more: { service?: string; sessionToken?: string } = {}) {
  const signer = createAwsSigner({ ...credentials, ...more }, () => atMs);
  const whole: Sent = {
    method: 'GET',
    path: '/',
    headers: ['Host', 'example.amazonaws.com'],
    received: [],
    framing: { kind: 'none' },
    ...sent,
  };
  const { fields } = signer.show(whole, caller) as Shown;
  const map = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) map.set(fields[at] ?? '', fields[at + 1] ?? '');
  return map;
}

/** AWS's own: aws-c-auth, tests/aws-signing-test-suite/v4, header-signed-request.txt. */
const vectors: readonly [name: string, method: string, path: string, signature: string][] = [
  [
    'get-vanilla-query',
    'GET',
    '/',
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-unreserved',
    'GET',
    '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
];

for (const [name, method, path, signature] of vectors)
  void test(`AWS's published vector ${name}`, () => {
    const fields = shownFor({ method, path });
    assert.equal(
      fields.get('Authorization'),
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    assert.equal(fields.get('X-Amz-Date'), '20150830T123600Z');
  });

void test("AWS's published vector get-vanilla-with-session-token", () => {
  const sessionToken = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
  const fields = shownFor({}, { sessionToken });
  assert.match(
    fields.get('Authorization') ?? '',
    /SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8$/,
  );
  assert.equal(fields.get('X-Amz-Security-Token'), sessionToken);
});

/** What the published vectors sign unescaped; S3 takes paths as they are, decoded once. */
void test("AWS's published vectors get-utf8, get-space and get-vanilla-utf8-query", () => {
  const signatureOf = (path: string, service = 'service') =>
    /Signature=(.*)/.exec(shownFor({ path }, { service }).get('Authorization') ?? '')?.[1];
  assert.equal(
    signatureOf('/?%E1%88%B4=bar'),
    '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  );
  // Other services have each segment of the path as sent encoded once more.
  assert.notEqual(signatureOf('/a%20b'), signatureOf('/a%2520b'));
});

const hex = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) =>
  createHmac('sha256', key).update(text).digest();

/** The head of a request, read plainly. */
function readHead(bytes: string) {
  const [head = ''] = bytes.split('\r\n\r\n', 1);
  const [line = '', ...fields] = head.split('\r\n');
  const values = new Map<string, string[]>();
  for (const field of fields) {
    const colon = field.indexOf(': ');
    const name = field.slice(0, colon).toLowerCase();
    values.set(name, [...(values.get(name) ?? []), field.slice(colon + 2)]);
  }
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query = ''] = target.split('?');
  const valueOf = (name: string): string => (values.get(name) ?? []).join(',');
  return { method, path, query, names: [...values.keys()], valueOf };
}

/** Verifies as S3 does, from what arrived, and from nothing else. */
function verifyAtS3(bytes: string): void {
  const { method, path, query, names, valueOf } = readHead(bytes);
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\d{8})\/eu-central-1\/s3\/aws4_request, SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      valueOf('authorization'),
    );
  assert.ok(parsed, valueOf('authorization'));
  const [, day = '', signed = '', signature] = parsed;
  const covered = signed.split(';');
  for (const name of names)
    if (name === 'host' || name.startsWith('x-amz-')) assert.ok(covered.includes(name), name);
  const canonical = [
    method,
    path,
    query.split('&').sort().join('&'),
    ...covered.map((name) => `${name}:${valueOf(name)}`),
    '',
    signed,
    valueOf('x-amz-content-sha256'),
  ].join('\n');
  const date = valueOf('x-amz-date');
  assert.ok(date.startsWith(day));
  const key = ['eu-central-1', 's3', 'aws4_request'].reduce(
    (key, part) => hmac(key, part),
    hmac(`AWS4${credentials.secretAccessKey}`, day),
  );
  const scope = `${day}/eu-central-1/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, hex(canonical)].join('\n');
  assert.equal(hmac(key, toSign).toString('hex'), signature);
}

const s3 = withCredentials({ ...credentials, region: 'eu-central-1', service: 's3' });

void test('what arrives is what was signed, whatever the client sends along', async (t) => {
  const { relay, upstream, token } = await createRelayBench(t, {
    config: s3,
    // One answer each, though a body may come in a piece of its own.
    upstream: await createRawUpstream((socket, bytes) => {
      if (/^(?:GET|PUT) /.test(bytes))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }),
  });
  const bearer = `Authorization: Bearer ${await token()}`;
  const host = new URL(relay.url).host;
  const ask = (line: string, fields: string, body = '') =>
    sendRaw(
      relay.url,
      `${line} HTTP/1.1\r\nHost: ${host}\r\n${bearer}\r\nConnection: close\r\n${fields}\r\n${body}`,
    );
  const bodyHash = hex('hello');
  const answers = await Promise.all([
    ask('GET /x/bucket/a%20b/%C3%A4?prefix=x%2Fy&list-type=2', ''),
    ask('PUT /x/bucket/k', 'Content-Length: 5\r\nContent-Type: text/plain\r\n', 'hello'),
    ask('PUT /x/bucket/k', `Content-Length: 5\r\nX-Amz-Content-Sha256: ${bodyHash}\r\n`, 'hello'),
    ask('PUT /x/bucket/k', 'Transfer-Encoding: chunked\r\nx-amz-acl: private\r\n', '0\r\n\r\n'),
    ask(
      'GET /x/bucket/k',
      'X-Amz-Date: 20000101T000000Z\r\nx_amz_date: x\r\nX-Amz-Security-Token: stolen\r\nX-Amz-Meta-A: 1\r\nX-Amz-Meta-A: 2\r\n',
    ),
  ]);
  for (const answer of answers) assert.equal(statusOf(answer), 200, answer);
  const arrived = upstream
    .received()
    .join('')
    .split(/(?=(?:GET|PUT) \/bucket)/);
  assert.equal(arrived.length, 5);
  for (const bytes of arrived) {
    verifyAtS3(bytes);
    assert.ok(!/stolen|20000101|Bearer/.test(bytes));
  }
  const hashes = received(arrived, 'X-Amz-Content-Sha256').sort();
  assert.deepEqual(
    hashes,
    ['UNSIGNED-PAYLOAD', 'UNSIGNED-PAYLOAD', bodyHash, hex(''), hex('')].sort(),
  );
});

void test('a body signed in chunks by somebody else, and a path that is no text, are refused', async (t) => {
  const { relay, upstream, token, log } = await createRelayBench(t, { config: s3 });
  const head = async (line: string) =>
    `${line} HTTP/1.1\r\nHost: ${new URL(relay.url).host}\r\nAuthorization: Bearer ${await token()}\r\n`;
  const chunks = await sendRaw(
    relay.url,
    `${await head('PUT /x/k')}Content-Length: 1\r\nX-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n\r\na`,
  );
  assert.equal(codeOf(chunks), 'bad_request');
  const path = await sendRaw(relay.url, `${await head('GET /x/%E4')}\r\n`);
  assert.equal(codeOf(path), 'bad_request', path);
  assert.equal(upstream.requests(), 0);
  assert.ok(!log.join('').includes(credentials.secretAccessKey));
});

void test('a hash that is none is refused before anything is signed', () => {
  const framing = { kind: 'length', bytes: 1 } as const;
  for (const said of ['', 'x'.repeat(64), 'UNSIGNED-PAYLOAD\tx'])
    assert.throws(
      () => shownFor({ framing, received: ['x-amz-content-sha256', said] }),
      (error) => error instanceof RelayError && error.code === 'bad_request',
    );
});
