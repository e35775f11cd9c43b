import { createRelayBench, type RelayBench } from './relay.ts';

type RelayBenchOptions = NonNullable<Parameters<typeof createRelayBench>[1]>;

/** Texts that would do harm in a page that takes texts for HTML. */
export const HOSTILE = {
  name: 'Mallory <img src=x onerror="window.__hacked=1">',
  path: '/x/%3Cscript%3Ewindow.__hacked=1%3C/script%3E',
  tool: '<svg/onload=window.__hacked=1>',
};

/** A relay with two APIs, one of which is down, that has been used by some people. */
export interface ConsoleBench extends RelayBench {
  readonly url: string;
  /** Sends a request as somebody, and gives its id. */
  send(user: string, path: string, options?: SendOptions): Promise<string>;
}

/** What else a request has. */
export interface SendOptions {
  readonly method?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly tool?: string;
}

const RULES = `      - { name: never-delete, deny: { methods: [DELETE] } }
      - { name: read, allow: { scopes: [read] } }`;

const PAYROLL = `
  payroll:
    title: Payroll
    description: Payslips
    path: /payroll
    upstream: ['http://127.0.0.1:1']
    rules:
      - { name: hr, allow: { roles: [hr] } }`;

/** Starts the relay for one test. */
export async function createConsoleBench(
  t: { after(close: () => Promise<void>): void },
  options: Pick<RelayBenchOptions, 'management' | 'top' | 'issuer' | 'config'> = {},
): Promise<ConsoleBench> {
  const bench = await createRelayBench(t, {
    rules: RULES,
    api: `    title: Billing\n    description: Invoices and payments\n${PAYROLL}`,
    ...options,
  });
  return {
    ...bench,
    url: String(bench.relay.management),
    async send(user, path, { method = 'GET', claims = {}, tool } = {}) {
      const token = await bench.token({ sub: user, ...claims });
      const answer = await fetch(`${bench.relay.url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(tool === undefined
            ? {}
            : { 'X-Latchkey-Client': `0.1.0; tool="${tool.replace(/["\\]/g, '\\$&')}"` }),
        },
      });
      await answer.arrayBuffer();
      return String(answer.headers.get('x-request-id'));
    },
  };
}

/** Some people's day: allowed, refused, failed, unknown. */
export async function useRelay(bench: ConsoleBench): Promise<void> {
  const alice = { name: 'Alice Archer', email: 'alice@demo.example' };
  const bob = { name: 'Bob Baker', scope: '' };
  for (let number = 1; number <= 24; number += 1)
    await bench.send('alice', `/x/invoices/INV-${1000 + number}`, { claims: alice, tool: 'curl' });
  await bench.send('alice', '/x/invoices/INV-1001', { method: 'DELETE', claims: alice });
  await bench.send('bob', '/x/invoices', { claims: bob });
  await bench.send('bob', '/x/reports/2026', { claims: bob });
  await bench.send('carol', '/payroll/payslips', {
    claims: { name: 'Carol Carver', roles: ['hr'] },
  });
  await bench.send('alice', '/payroll/payslips', { claims: alice });
  await bench.send('mallory', HOSTILE.path, { claims: { name: HOSTILE.name }, tool: HOSTILE.tool });
  await (await fetch(`${bench.relay.url}/x/invoices`)).arrayBuffer();
}
