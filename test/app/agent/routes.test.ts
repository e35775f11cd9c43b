import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relayPath } from '../../../app/main/agent/proxy/routes.ts';
import type { ApiInfo } from '../../../app/main/agent/status.ts';

const api = (name: string, path: string, hosts: readonly string[] = []): ApiInfo => ({
  name,
  title: name,
  path,
  hosts,
  rules: [],
  localUrl: '',
});
const apis = [api('a', '/a', ['a.example']), api('b', '/a/b'), api('ab', '/ab')];
const target = (path: string) => ({ method: 'GET', authority: '', path, query: '' });

test('where paths nest, the API is the relay’s choice: a key for the outer one does not open the inner one', () => {
  for (const [host, path, expected] of [
    [{ kind: 'loopback' }, '/a/x', ['/a/x', 'a']],
    [{ kind: 'loopback' }, '/a/b', ['/a/b', 'b']],
    [{ kind: 'loopback' }, '/a/b/x', ['/a/b/x', 'b']],
    [{ kind: 'loopback' }, '/a/bx', ['/a/bx', 'a']],
    [{ kind: 'loopback' }, '/ab/x', ['/ab/x', 'ab']],
    [{ kind: 'loopback' }, '/c', ['/c', undefined]],
    [{ kind: 'api', name: 'a' }, '/b/x', ['/a/b/x', 'b']],
    [{ kind: 'site', host: 'a.example' }, '/b/x', ['/a/b/x', 'b']],
  ] as const)
    for (const order of [apis, apis.toReversed()]) {
      const { path: to, api: name } = relayPath(host, target(path), order);
      assert.deepEqual([to, name], expected);
    }
});

test('a name that is none, and a site that is none, go nowhere', () => {
  assert.throws(() => relayPath({ kind: 'api', name: 'x' }, target('/'), apis), {
    code: 'unknown_api',
  });
  assert.throws(() => relayPath({ kind: 'site', host: 'evil.example' }, target('/'), apis), {
    code: 'foreign_host',
  });
});
