import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startHeardRelay, startProfiles } from '../../support/profile-bench.ts';
import { skipWithout } from '../../support/tools.ts';

const run = promisify(execFile);

/** An agent of which nobody is signed in, nor asked to be. */
async function start(t: TestContext) {
  const relay = await startHeardRelay(t, 'acme');
  const relays = [{ name: 'Acme', url: relay.url }];
  const { port } = await startProfiles(t, { relays, signIn: { auto: false } });
  return { relay, url: `http://localhost:${port}` };
}

/** Tools see a challenge with 401; one that they understood would lead them to a sign-in of their own. */
test('the MCP SDK looks for no sign-in at the relay, whose address the challenge names', async (t) => {
  const { relay, url } = await start(t);
  const pages: string[] = [];
  const authProvider: OAuthClientProvider = {
    redirectUrl: 'http://127.0.0.1:9/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:9/callback'] },
    clientInformation: () => undefined,
    tokens: () => undefined,
    saveTokens: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
    redirectToAuthorization: (page) => void pages.push(page.href),
  };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { authProvider });
  const client = new Client({ name: 'tool', version: '1.0.0' });
  await assert.rejects(client.connect(transport));
  assert.deepEqual(pages, [], 'no page opens');
  assert.deepEqual(relay.seen, [], 'the relay hears nothing');
});

test(
  'curl, free to choose, shows its password by no scheme',
  { skip: skipWithout('curl', 'curl') },
  async (t) => {
    const { url } = await start(t);
    const { stdout, stderr } = await run('curl', [
      '-sv',
      '--noproxy',
      '*',
      '--anyauth',
      '--user',
      'alice:secret',
      `${url}/billing/x`,
    ]);
    assert.match(stdout, /"code":"signed_out"/);
    assert.match(stderr, /< WWW-Authenticate: Latchkey error="signed_out", resource_metadata=/);
    assert.doesNotMatch(stderr, /> Authorization:/i);
  },
);
