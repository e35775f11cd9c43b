import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Profile } from '../../../app/main/agent/agent-interface.ts';
import { AgentError } from '../../../app/main/agent/errors.ts';
import type { AgentSnapshot } from '../../../app/main/agent/status.ts';
import { callNames } from '../../../app/main/ipc/contract.ts';
import { createWindowAgent, type WindowAgent } from '../../support/window-agent.ts';
import { severalRelays } from '../../support/window-states.ts';

const origin = 'latchkey-ui://app';
const page = { url: `${origin}/index.html`, isMainFrame: true, isOurWindow: true };

const snapshot: AgentSnapshot = {
  status: 'signing-in',
  relay: 'https://relay.example.com',
  localUrl: 'http://localhost:5390',
  signInUrl: 'https://idp.example.com/auth?state=s3cret',
  apis: [
    {
      name: 'billing',
      title: 'Billing',
      docs: 'https://docs.example.com/billing',
      path: '/billing',
      hosts: [],
      localUrl: 'http://localhost:5390/billing',
      rules: [{ name: 'read', methods: ['GET'], paths: ['/invoices/**'], allowed: true }],
    },
  ],
  store: 'memory',
  version: '1.0.0',
};

function setUp(
  t: TestContext,
  changes: Partial<Profile> = {},
  shown: AgentSnapshot = snapshot,
): WindowAgent {
  const agent = createWindowAgent(origin, shown, changes);
  t.after(agent.close);
  const record = {
    seq: 1,
    id: 'A',
    at: '2026-11-23T10:00:00.000Z',
    kind: 'request',
    side: 'app',
    hash: 'f'.repeat(64),
    prev: '0'.repeat(64),
    tokenId: 'abc',
    tool: { name: 'curl', pid: 4 },
    api: 'billing',
  } as const;
  agent.records = { '': [record] };
  return agent;
}

describe('calls from the window', () => {
  test('are answered for our own main frame only', async (t) => {
    const { answer, done } = setUp(t);
    const strangers = [
      { ...page, url: 'https://evil.example/' },
      { ...page, url: 'latchkey-ui://app.evil/index.html' },
      { ...page, url: '' },
      { ...page, isMainFrame: false },
      { ...page, isOurWindow: false },
    ];
    for (const stranger of strangers) {
      for (const name of callNames) {
        const reply = await answer(name, stranger, []);
        assert.ok(!reply.ok && reply.code === 'foreign_origin', `${name} from ${stranger.url}`);
      }
    }
    assert.deepEqual(done, []);
  });

  test('are refused with wrong, missing or extra arguments, before anything happens', async (t) => {
    const { answer, done } = setUp(t);
    const bad: readonly (readonly [(typeof callNames)[number], readonly unknown[]])[] = [
      ['signIn', [1]],
      ['signOut', [undefined]],
      ['copyApi', ['billing']],
      ['copyApi', ['billing', 'token']],
      ['copyApi', [{}, 'url']],
      ['copyApi', ['billing', 'url', 'acme', 'more']],
      ['copyRequestId', ['; rm -rf /']],
      ['openDocs', ['']],
      ['activity', []],
      ['activity', [{ limit: 0 }]],
      ['activity', [{ limit: 501 }]],
      ['activity', [{ unknown: true }]],
      ['activity', [{ decision: 'maybe' }]],
      ['setRelay', ['x'.repeat(3000)]],
      ['signIn', ['Acme']],
      ['signIn', ['../acme']],
      ['signIn', ['acme', 'globex']],
      ['activity', [{}, undefined]],
      ['toolKeys', ['all']],
      ['diagnose', [{}]],
      ['diagnose', ['../acme']],
      ['copyDiagnosis', ['acme', 'globex']],
    ];
    for (const [name, args] of bad) {
      const reply = await answer(name, page, args);
      assert.ok(!reply.ok, `${name} ${JSON.stringify(args)}`);
      assert.equal(reply.code, 'bad_usage');
      assert.ok(reply.message.startsWith(name));
    }
    assert.deepEqual(done, []);
  });

  test('show neither the sign-in address nor hashes nor token ids', async (t) => {
    const { answer } = setUp(t);
    const seen = JSON.stringify([
      await answer('getSnapshot', page, []),
      await answer('activity', page, [{}]),
    ]);
    assert.ok(!/s3cret|tokenId|"hash"|"prev"|abc|pid/u.test(seen), seen);
    assert.match(seen, /"signInPage":true/u);
    assert.match(seen, /"tool":"curl"/u);
  });

  test('copy and open what the agent knows, never what the page says', async (t) => {
    const { answer, done } = setUp(t);
    await answer('copyApi', page, ['billing', 'url']);
    await answer('copyApi', page, ['billing', 'curl']);
    await answer('openDocs', page, ['billing']);
    await answer('openSignInPage', page, []);
    const unknown = await answer('copyApi', page, ['payroll', 'url']);
    assert.ok(!unknown.ok && unknown.code === 'unknown_api');
    assert.deepEqual(done, [
      'copy http://localhost:5390/billing',
      'copy curl http://localhost:5390/billing/invoices',
      'open https://docs.example.com/billing',
      'open https://idp.example.com/auth?state=s3cret',
    ]);
  });

  test('carry the agent’s refusals over, and hide what is internal', async (t) => {
    const { answer, done } = setUp(t, {
      signIn: () => Promise.reject(new AgentError('consent_refused', 'Access was refused.')),
      signOut: () => Promise.reject(new Error('token abc at /home/x')),
    });
    assert.deepEqual(await answer('signIn', page, []), {
      ok: false,
      code: 'consent_refused',
      message: 'Access was refused.',
    });
    const internal = await answer('signOut', page, []);
    assert.ok(!internal.ok && internal.code === 'internal' && !internal.message.includes('abc'));
    assert.deepEqual(done, ['error in signOut']);
  });

  test('go to the profile that they name, and to no other', async (t) => {
    const { answer, done } = setUp(t, {}, severalRelays);
    await answer('signIn', page, ['globex-ltd']);
    await answer('signOut', page, ['acme']);
    await answer('copyApi', page, ['billing', 'url', 'acme']);
    const elsewhere = await answer('copyApi', page, ['billing', 'url', 'globex-ltd']);
    assert.ok(!elsewhere.ok && elsewhere.code === 'unknown_api');
    const nobody = await answer('signIn', page, ['initech']);
    assert.ok(!nobody.ok && nobody.code === 'unknown_profile');
    assert.deepEqual(done, [
      'signIn globex-ltd',
      'signOut acme',
      'copy http://localhost:5390/acme/billing',
    ]);
  });

  test('show each profile’s state, and no profile’s sign-in address', async (t) => {
    const [acme, globex] = severalRelays.profiles ?? [];
    assert.ok(acme && globex);
    const signInUrl = 'https://idp.example.com/auth?state=s3cret';
    const profiles = [acme, { ...globex, status: 'signing-in', signInUrl } as const];
    const { answer } = setUp(t, {}, { ...severalRelays, profiles });
    const reply = await answer('getSnapshot', page, []);
    assert.ok(reply.ok);
    const seen = JSON.stringify(reply.value);
    assert.ok(!seen.includes('s3cret'));
    assert.match(seen, /"title":"Globex Ltd/u);
    assert.match(seen, /"status":"signing-in","store":"memory","apis":\[\],"signInPage":true/u);
  });
});
