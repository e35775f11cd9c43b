import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { skipWithout, useTools } from '../../support/tools.ts';

/** What a request was like when it reached git's server. */
const seen: string[] = [];
let repositories = '';

/** Runs git's own server program as a CGI script. @see RFC 3875 */
function backend(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://git.invalid');
  const { headers } = request;
  const encoding = headers['content-encoding'] ?? 'identity';
  seen.push(`${request.method} ${headers['transfer-encoding'] ?? 'sized'} ${encoding}`);
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      HOME: repositories,
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers['content-type'],
      CONTENT_LENGTH: headers['content-length'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REMOTE_USER: String(headers['x-person'] ?? 'somebody'),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', onHead);
    const fields = head.subarray(0, end).toString().split('\r\n');
    for (const field of fields) {
      const [name = '', value = ''] = field.split(': ', 2);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onHead);
}

describe('git over HTTP', { skip: skipWithout('git', 'git') }, () => {
  const bench = useTools({ name: 'git', server: createServer(backend) });
  const git = async (...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Alice', '-c', 'user.email=alice@example.com'];
    const { code, stdout, stderr } = await bench().run('git', [...identity, ...args], {
      env: { GIT_TERMINAL_PROMPT: '0' },
    });
    assert.equal(code, 0, `git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };

  test('clones, pushes more than one buffer in chunks, and fetches with a gzip request', async () => {
    const { home, localhost } = bench();
    repositories = join(home, 'repositories');
    await mkdir(repositories);
    const bare = join(repositories, 'app.git');
    await git('init', '-q', '--bare', '-b', 'main', bare);
    await git('-C', bare, 'config', 'http.receivepack', 'true');
    const url = `${localhost}/git/app.git`;

    await git('clone', '-q', url, 'first');
    // Random bytes do not shrink: more than http.postBuffer, which git then sends in chunks.
    await writeFile(join(home, 'first', 'large'), randomBytes(1_500_000));
    await git('-C', 'first', 'add', '.');
    await git('-C', 'first', 'commit', '-q', '-m', 'one');
    await git('-C', 'first', 'push', '-q', 'origin', 'HEAD:main');
    assert.ok(seen.includes('POST chunked identity'), seen.join(', '));
    await git('clone', '-q', url, 'second');

    // So many wishes that git shrinks the request.
    const tree = await git('-C', 'first', 'write-tree');
    const made = Array.from(
      { length: 40 },
      (_, at) => `commit refs/heads/b${at}
committer Alice <alice@example.com> ${1_700_000_000 + at} +0000
data 1
${at % 10}
from refs/heads/main^0
`,
    );
    assert.match(tree, /^[0-9a-f]{40}$/);
    const imported = await bench().run('git', ['-C', bare, 'fast-import', '--quiet'], {
      input: made.join('\n'),
    });
    assert.equal(imported.code, 0, imported.stderr);
    await git('-C', 'second', 'fetch', '-q');
    assert.ok(seen.includes('POST sized gzip'), seen.join(', '));
    const [here, there] = [
      await git('-C', 'second', 'rev-parse', 'origin/main', 'origin/b39'),
      await git('-C', bare, 'rev-parse', 'main', 'b39'),
    ];
    assert.equal(here, there);
  });
});
