import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { useTools } from '../../support/tools.ts';

const newman = fileURLToPath(import.meta.resolve('newman/bin/newman.js'));

const step = (name: string, method: string, path: string, check: string, body?: string) => ({
  name,
  request: {
    method,
    url: `{{base}}${path}`,
    header: [{ key: 'Content-Type', value: 'application/json' }],
    ...(body === undefined ? {} : { body: { mode: 'raw', raw: body } }),
  },
  event: [
    { listen: 'test', script: { exec: [`pm.test(${JSON.stringify(name)}, () => {${check}})`] } },
  ],
});

const collection = {
  info: {
    name: 'billing',
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  item: [
    step('lists', 'GET', '/billing/invoices', 'pm.expect(pm.response.json().total).to.be.above(0)'),
    step(
      'creates',
      'POST',
      '/billing/invoices',
      'pm.response.to.have.status(201); pm.expect(pm.response.json().customer).to.eql("Acme")',
      '{"customer":"Acme","amount":3}',
    ),
    step(
      'is refused',
      'DELETE',
      '/billing/invoices/INV-1002',
      'pm.response.to.have.status(403); pm.expect(pm.response.json().code).to.eql("denied")',
    ),
  ],
};

describe('newman, which runs Postman collections', () => {
  const bench = useTools();

  test('runs a collection whose base URL is the local port', async () => {
    const { home, localhost, run } = bench();
    const file = join(home, 'collection.json');
    await writeFile(file, JSON.stringify(collection));
    const args = [newman, 'run', file, '--env-var', `base=${localhost}`, '--color', 'off'];
    const { code, stdout, stderr } = await run(process.execPath, args);
    assert.equal(code, 0, stdout + stderr);
    for (const name of ['lists', 'creates', 'is refused'])
      assert.match(stdout, new RegExp(`√ +${name}|✓ +${name}`));
  });
});
