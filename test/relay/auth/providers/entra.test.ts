import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const tenant = 'aaaabbbb-0000-cccc-1111-dddd2222eeee';
const api = '00001111-aaaa-2222-bbbb-3333cccc4444';
const app = '11112222-bbbb-3333-cccc-4444dddd5555';
const group = '55556666-ffff-7777-aaaa-8888bbbb9999';
const header = { typ: 'JWT' };
const bare = { keysWithoutAlg: true };

const times = () => ({ iat: inSeconds(-300), nbf: inSeconds(-300), exp: inSeconds(3600) });

const version2 = () => ({
  aud: api,
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  ...times(),
  aio: 'AXQAi/8TAAAA',
  azp: app,
  azpacr: '0',
  name: 'Alice Archer',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  preferred_username: 'alice@example.com',
  rh: 'I',
  scp: 'billing.read billing.write',
  roles: ['accountant'],
  groups: [group],
  sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
  tid: tenant,
  uti: 'fqiBqXLPj0eQa82S-IYFAA',
  ver: '2.0',
});

const version1 = () => ({
  aud: 'https://relay.example.com',
  iss: `https://sts.windows.net/${tenant}/`,
  ...times(),
  acr: '1',
  aio: 'AXQAi/8IAAAA',
  amr: ['pwd', 'mfa'],
  appid: app,
  appidacr: '0',
  family_name: 'Archer',
  given_name: 'Alice',
  ipaddr: '192.0.2.1',
  name: 'Alice Archer',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  rh: 'I',
  scp: 'billing.read',
  sub: 'l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA',
  tid: tenant,
  unique_name: 'alice@example.com',
  upn: 'alice@example.com',
  uti: 'FVsGxYXI30-TuikuuUoFAA',
  ver: '1.0',
});

void test('Entra ID v2: scp as text, azp, app roles, group ids, keys without alg', async (t) => {
  const { accept } = await createProviderBench(t, 'Entra ID v2', bare);
  const principal = await accept(version2(), header);
  assert.equal(principal.user, '690222be-ff1a-4d56-abd1-7e4f7d38e474');
  assert.equal(principal.userName, 'Alice Archer');
  assert.equal(principal.clientId, app);
  assert.deepEqual(principal.scopes, ['billing.read', 'billing.write']);
  assert.deepEqual(principal.roles, ['accountant']);
  assert.deepEqual(principal.groups, [group]);
});

void test('Entra ID v2: an application without a person has roles and no scopes', async (t) => {
  const { accept } = await createProviderBench(t, 'Entra ID v2', bare);
  const { scp: _scp, name: _name, preferred_username: _user, ...claims } = version2();
  const principal = await accept({ ...claims, idtyp: 'app' }, header);
  assert.deepEqual(principal.scopes, []);
  assert.deepEqual(principal.roles, ['accountant']);
  assert.equal(principal.userName, undefined);
});

void test('Entra ID: groups that are elsewhere refuse the token, since a deny rule would not see them', async (t) => {
  const { accept, refuse } = await createProviderBench(t, 'Entra ID v2', bare);
  const { groups: _groups, ...claims } = version2();
  const overage = {
    ...claims,
    _claim_names: { groups: 'src1' },
    _claim_sources: {
      src1: { endpoint: 'https://graph.windows.net/x/users/y/getMemberObjects' },
    },
  };
  assert.equal(await refuse(overage, header), 'token_claims');
  const other = { ...overage, _claim_names: { address: 'src1' } };
  assert.deepEqual((await accept(other, header)).groups, []);
  assert.equal(await refuse({ ...overage, _claim_names: 'groups' }, header), 'token_claims');
});

void test('Entra ID v2: ID tokens, tokens for Graph and for other tenants are refused', async (t) => {
  const { refuse, refuseToken } = await createProviderBench(t, 'Entra ID v2', bare);
  const { scp: _scp, azp: _azp, ...person } = version2();
  assert.equal(await refuse({ ...person, aud: app, nonce: 'n' }, header), 'token_type');
  assert.equal(await refuse({ ...person, aud: app }, header), 'token_audience');
  const graph = '00000003-0000-0000-c000-000000000000';
  assert.equal(await refuse({ ...version2(), aud: graph }, header), 'token_audience');
  const foreign = `https://login.microsoftonline.com/${group}/v2.0`;
  assert.equal(await refuse({ ...version2(), iss: foreign }, header), 'token_issuer');
  assert.equal(await refuse(version1(), header), 'token_issuer');
  assert.equal(await refuseToken('1.AWEBexample-refresh_token'), 'token_signature');
});

void test('Entra ID v1: appid, unique_name, upn, its own issuer', async (t) => {
  const { accept, refuse } = await createProviderBench(t, 'Entra ID v1', bare);
  const principal = await accept(version1(), header);
  assert.equal(principal.user, '690222be-ff1a-4d56-abd1-7e4f7d38e474');
  assert.equal(principal.email, 'alice@example.com');
  assert.equal(principal.clientId, app);
  assert.equal(principal.acr, '1');
  assert.deepEqual(principal.scopes, ['billing.read']);
  const nameless = { ...version1(), name: undefined };
  assert.equal((await accept(nameless, header)).userName, 'alice@example.com');
  assert.equal(await refuse({ ...version1(), nonce: 'n', scp: undefined }, header), 'token_type');
  assert.equal(await refuse({ ...version1(), aud: `api://${api}` }, header), 'token_audience');
  assert.equal(await refuse(version2(), header), 'token_issuer');
});
