import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiInfo, ApiRule } from '../../../app/main/agent/status.ts';
import { curlLine } from '../../../app/main/ipc/curl.ts';
import { relayAddress } from '../../../app/main/ipc/relay-address.ts';

const special = `a'"\`$();|&<>\\ *?~#!\n\r\t{}[]`.split('');

const api = (localUrl: string, rules: readonly ApiRule[]): ApiInfo => ({
  name: 'a',
  title: 'A',
  path: '/a',
  hosts: [],
  localUrl,
  rules,
});

const rule = (changes: Partial<ApiRule>): ApiRule => ({
  name: 'r',
  methods: ['GET'],
  paths: ['/**'],
  allowed: true,
  ...changes,
});

test('the curl line names a path that the person may read', () => {
  const cases: readonly (readonly [readonly ApiRule[], string])[] = [
    [[rule({ paths: ['/invoices/**'] })], '/invoices'],
    [[rule({ allowed: false, paths: ['/no'] }), rule({ paths: ['/yes'] })], '/yes'],
    [[rule({ methods: ['POST'], paths: ['/no'] }), rule({ paths: ['/yes'] })], '/yes'],
    [[rule({ paths: ['/a/*/b', '/c'] })], '/c'],
    [[rule({ methods: [], paths: ['/any'] })], '/any'],
    [[rule({})], '/'],
    [[], '/'],
  ];
  for (const [rules, path] of cases) {
    assert.equal(curlLine(api('http://localhost:1/a', rules)), `curl http://localhost:1/a${path}`);
  }
});

test('whatever the relay says, the curl line stays one harmless word in a shell', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.string({ unit: fc.constantFrom(...special), maxLength: 20 }),
      ),
      (path) => {
        const line = curlLine(api('http://localhost:1/a', [rule({ paths: [`/${path}`] })]));
        const words = execFileSync('sh', ['-c', `set -- ${line}; printf '%s\\0' "$@"`], {
          encoding: 'utf8',
          timeout: 60_000,
        });
        assert.equal(words.split('\0').length, 3, line);
        assert.ok(words.startsWith('curl\0http://localhost:1/a/'));
      },
    ),
    { numRuns: 150 },
  );
});

test('a relay’s address is read as people type it', () => {
  assert.equal(relayAddress(' relay.example.com '), 'https://relay.example.com');
  assert.equal(relayAddress('https://Relay.Example.com/'), 'https://relay.example.com');
  assert.equal(relayAddress('https://relay.example.com:8443'), 'https://relay.example.com:8443');
  assert.equal(relayAddress('http://127.0.0.1:8443/'), 'http://127.0.0.1:8443');
});

test('an address that is none is refused with what to change', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /looks like/u],
    ['not an address', /looks like/u],
    ['http://relay.example.com', /over https/u],
    ['ftp://relay.example.com', /not ftp/u],
    ['javascript://x', /not javascript/u],
    ['https://me:pw@relay.example.com', /name and password/u],
    ['https://relay.example.com/api', /https:\/\/relay\.example\.com is enough/u],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => relayAddress(text), { code: 'bad_usage', message }, text);
  }
});
