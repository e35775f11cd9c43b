import assert from 'node:assert/strict';
import { BlockList, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readCertificate } from '../../relay/certificate.ts';
import { createCertificate } from '../support/certificate.ts';

const trustedProxies = new BlockList();
trustedProxies.addSubnet('10.1.0.0', 16, 'ipv4');
trustedProxies.addAddress('fd00::1', 'ipv6');

function peer(t: TestContext, remoteAddress: string | undefined): Socket {
  const socket = new Socket();
  t.after(() => socket.destroy());
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  return socket;
}

const header = 'client-cert';
const source = { trustedProxies, config: { clientCertificateHeader: header } };

test('a trusted proxy passes a certificate on in either form', (t) => {
  const { der, cert, thumbprint } = createCertificate(t);
  const socket = peer(t, '10.1.2.3');
  for (const value of [
    `:${der.toString('base64')}:`,
    encodeURIComponent(cert),
    encodeURIComponent(cert.trim()),
  ])
    for (const name of ['Client-Cert', 'client-cert'])
      assert.equal(readCertificate({ rawHeaders: [name, value], socket }, source), thumbprint);
  for (const address of ['::ffff:10.1.2.3', 'fd00::1'])
    assert.equal(
      readCertificate(
        { rawHeaders: [header, `:${der.toString('base64')}:`], socket: peer(t, address) },
        source,
      ),
      thumbprint,
      address,
    );
});

test('nobody else is believed, and no other field', (t) => {
  const { der } = createCertificate(t);
  const value = `:${der.toString('base64')}:`;
  const read = (address: string | undefined, name: string, from: typeof source | object = source) =>
    readCertificate(
      { rawHeaders: [name, value], socket: peer(t, address) },
      { ...source, ...from },
    );
  for (const address of ['10.2.0.1', '127.0.0.1', '::1', 'fd00::2', '', undefined])
    assert.equal(read(address, header), undefined, address);
  for (const name of ['client_cert', 'Client.Cert', 'client-cert-chain', 'x-client-cert'])
    assert.equal(read('10.1.2.3', name), undefined, name);
  assert.equal(read('10.1.2.3', header, { trustedProxies: undefined }), undefined);
  assert.equal(read('10.1.2.3', header, { config: {} }), undefined);
});

test('a proxy that passes several, a part or something else on has shown none', (t) => {
  const { der, cert } = createCertificate(t);
  const other = createCertificate(t);
  const base64 = der.toString('base64');
  const socket = peer(t, '10.1.2.3');
  const good = ['client-cert', `:${base64}:`];
  for (const value of [
    '',
    '::',
    ':=:',
    base64,
    `:${base64}`,
    `:${base64}:, :${base64}:`,
    `:${base64}:;a=b`,
    `:${base64.slice(0, -8)}:`,
    `:${Buffer.concat([der, der]).toString('base64')}:`,
    `:${Buffer.concat([der, Buffer.from('x')]).toString('base64')}:`,
    `:${Buffer.from('not a certificate').toString('base64')}:`,
    encodeURIComponent(cert + other.cert),
    encodeURIComponent(`x${cert}`),
    encodeURIComponent(other.key),
    encodeURIComponent(other.key + cert),
    cert.replaceAll('\n', ' '),
    '%',
    '%00',
    `:${'A'.repeat(20_000)}:`,
  ])
    assert.equal(
      readCertificate({ rawHeaders: ['client-cert', value], socket }, source),
      undefined,
      value.slice(0, 60),
    );
  assert.equal(readCertificate({ rawHeaders: [...good, ...good], socket }, source), undefined);
  assert.equal(readCertificate({ rawHeaders: [], socket }, source), undefined);
});

test('on a connection that a proxy shares among people each request has its own certificate', (t) => {
  const [ann, bob] = [createCertificate(t, 'ann'), createCertificate(t, 'bob')];
  const socket = peer(t, '10.1.2.3');
  const read = (of?: typeof ann) =>
    readCertificate(
      { rawHeaders: of === undefined ? [] : [header, `:${of.der.toString('base64')}:`], socket },
      source,
    );
  assert.equal(read(ann), ann.thumbprint);
  assert.equal(read(ann), ann.thumbprint);
  assert.equal(read(), undefined);
  assert.equal(read(bob), bob.thumbprint);
  assert.equal(read(ann), ann.thumbprint);
});
