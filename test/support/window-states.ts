import type { AgentSnapshot, ApiInfo } from '../../app/main/agent/status.ts';
import type { Finding } from '../../app/main/doctor/check.ts';
import type { AuditRecord } from '../../audit/record.ts';

/** A name as long as nobody would choose it, without a place to break. */
export const long = 'Donaudampfschifffahrtsgesellschaftskapitaensmuetzenabzeichen'.repeat(2);

const api = (name: string, title: string, base: string): ApiInfo => ({
  name,
  title,
  description: `All about ${title.toLowerCase()}`,
  docs: `https://docs.example.com/${name}`,
  path: `/${name}`,
  hosts: [],
  localUrl: `${base}/${name}`,
  rules: [
    { name: 'read', methods: ['GET', 'HEAD'], paths: ['/invoices', '/invoices/**'], allowed: true },
    {
      name: 'approve',
      methods: ['POST'],
      paths: ['/invoices/*/approve'],
      allowed: false,
      missing: 'scope billing.write',
    },
  ],
});

const localUrl = 'http://localhost:5390';

/** Nobody is signed in. */
export const signedOut: AgentSnapshot = {
  status: 'signed-out',
  relay: 'https://relay.example.com',
  localUrl,
  apis: [],
  store: 'memory',
  version: '1.0.0',
};

/** Somebody with a long name is signed in. */
export const ready: AgentSnapshot = {
  ...signedOut,
  status: 'ready',
  user: { subject: '4711', name: long, email: `${long.toLowerCase()}@example.com` },
  apis: [
    { ...api('billing', 'Billing', localUrl), ownUrl: 'http://localhost:5391' },
    api('payroll', long, localUrl),
  ],
  store: 'sealed',
};

/** Two relays: one in use, one signed out and in trouble. */
export const severalRelays: AgentSnapshot = {
  ...ready,
  apis: [api('billing', 'Billing', `${localUrl}/acme`)],
  profiles: [
    {
      ...ready,
      name: 'acme',
      title: 'Acme',
      user: { subject: '4711', name: 'Alice Example', email: 'alice@acme.example' },
      apis: [api('billing', 'Billing', `${localUrl}/acme`)],
    },
    {
      ...signedOut,
      name: 'globex-ltd',
      title: 'Globex Ltd, Department of Particularly Long Names',
      relay: 'https://globex.example',
      fault: {
        code: 'provider_unreachable',
        message: 'The identity provider cannot be reached. Check the network.',
        atMs: 0,
      },
    },
  ],
};

const chain = { side: 'app', hash: 'f'.repeat(64), prev: '0'.repeat(64) } as const;

/** One request that was answered, one that was refused, one event. */
export const records: readonly AuditRecord[] = [
  {
    ...chain,
    seq: 4,
    id: '4',
    at: '2026-11-23T10:00:03.000Z',
    kind: 'outcome',
    requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    status: 200,
    bytesIn: 0,
    bytesOut: 53_000,
    durationMs: 42,
    closedBy: 'upstream',
  },
  {
    ...chain,
    seq: 3,
    id: '3',
    at: '2026-11-23T10:00:02.000Z',
    kind: 'request',
    requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    api: 'billing',
    method: 'GET',
    path: '/billing/invoices',
    decision: 'allow',
    tool: { name: 'curl' },
  },
  {
    ...chain,
    seq: 2,
    id: '2',
    at: '2026-11-23T10:00:01.000Z',
    kind: 'request',
    requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAW',
    api: 'billing',
    method: 'DELETE',
    path: `/billing/${long}`,
    decision: 'deny',
    code: 'no_rule',
    status: 403,
  },
  { ...chain, seq: 1, id: '1', at: '2026-11-23T10:00:00.000Z', kind: 'start' },
];

/** One of each verdict, one of them long. */
export const findings: readonly Finding[] = [
  { name: 'settings', outcome: 'ok', detail: 'no faults' },
  {
    name: 'disk-space',
    outcome: 'warn',
    detail: '120 MB are free',
    todo: 'Make room: without it nothing can be recorded, and requests are refused.',
  },
  {
    name: 'local-port',
    outcome: 'fail',
    detail: `port 5390 is held by ${long} (process 4711)`,
    todo: 'Close that program, or: set `port` in settings.json to 5391, which is free.',
  },
  { name: 'relay-dns', outcome: 'skip', detail: 'needs relay-address, which is not in order' },
];
