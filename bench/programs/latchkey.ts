import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_OPTIONS } from '../../relay/prepare-process.ts';
import type { Opened } from '../opened.ts';
import { apiPath, type Peer, type Setting, type StartPeer } from '../peer.ts';

const READY_MS = 20_000;

/** What differs between the relays that are measured. */
export interface RelayVariant {
  readonly name: string;
  readonly isAuditRequired: boolean;
  /** YAML under the issuer, one entry a line. */
  readonly issuer?: readonly string[];
  /** YAML of further issuers, one entry a line. */
  readonly moreIssuers?: readonly string[];
  /** Default: any free port. */
  readonly listen?: string;
  readonly publicUrl?: string;
}

function api(index: number, upstream: string, isAuditRequired: boolean): string {
  return `  api-${index}:
    title: Billing ${index}
    path: ${apiPath(index)}
    upstream: ['${upstream}']
    rules:
      - name: never-delete
        deny: { methods: [DELETE] }
      - name: approve
        allow: { methods: [POST], paths: ['/invoices/*/approve'], scopes: [billing.write], roles: [accountant], maxAge: 15m }
      - name: read
        allow: { methods: [GET, HEAD], paths: ['/**'], scopes: [billing.read] }
      - name: write
        allow: { methods: [PUT], paths: ['/**'], scopes: [billing.read] }
    response: { removeHeaders: [Server] }
    limits: { body: 1GB }
    audit: { required: ${String(isAuditRequired)} }
`;
}

/**
 * Writes a relay.yaml as a company would: rules, metrics, limits, an audit.
 *
 * @param dir the folder for it and its audit
 * @param setting upstream, issuer, number of APIs
 * @param variant what differs
 * @returns the file's path
 */
export async function writeRelayFile(
  dir: string,
  setting: Pick<Setting, 'apis' | 'upstream'> & {
    readonly authority: Pick<Setting['authority'], 'issuer' | 'audience'>;
  },
  variant: Omit<RelayVariant, 'name'>,
): Promise<string> {
  const { authority, upstream, apis } = setting;
  const file = join(dir, 'relay.yaml');
  const issuer = variant.issuer ?? ['algorithms: [RS256]'];
  const all = Array.from({ length: apis }, (_, at) => api(at, upstream, variant.isAuditRequired));
  await writeFile(
    file,
    `listen: ${variant.listen ?? '127.0.0.1:0'}
${variant.publicUrl === undefined ? '' : `publicUrl: '${variant.publicUrl}'\n`}issuers:
  - issuer: '${authority.issuer}'
    audience: ['${authority.audience}']
${issuer.map((line) => `    ${line}\n`).join('')}${(variant.moreIssuers ?? []).map((line) => `  ${line}\n`).join('')}apis:
${all.join('')}audit: { dir: ./audit }
management: { listen: 127.0.0.1:0 }
limits: { connections: 30000 }
`,
  );
  return file;
}

async function untilReady(management: string): Promise<void> {
  for (const lateMs = Date.now() + READY_MS; ; await sleep(50)) {
    const answer = await fetch(`${management}/readyz`);
    if (answer.ok) return;
    if (Date.now() > lateMs) throw new Error(`the relay is not ready: ${await answer.text()}`);
  }
}

/** Reads the address of the inspector from what node says on stderr. */
async function inspectorUrl(lines: () => readonly string[]): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1, await sleep(50)) {
    const found = /Debugger listening on (ws:\S+)/.exec(lines().join('\n'))?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('node did not say where its inspector listens');
}

/**
 * Starts the relay as production does, `node relay/main.ts --config`, in a process of its own.
 *
 * @param opened what is closed in the end
 * @param setting what it is started for
 * @param variant what differs
 * @returns the relay, ready
 */
export async function startLatchkey(
  opened: Opened,
  setting: Setting,
  variant: RelayVariant,
): Promise<Peer> {
  const file = await writeRelayFile(await opened.folder(), setting, variant);
  // Forked, it cannot take them by itself, as it does otherwise.
  const nodeArgs = [...NODE_OPTIONS, ...(setting.inspect ? ['--inspect=127.0.0.1:0'] : [])];
  const args = ['relay/main.ts', '--config', file];
  const { url, pid, child } = await opened.script('peer', variant.name, args, nodeArgs);
  const { management } = await child.event('listening', READY_MS);
  await untilReady(String(management));
  return {
    name: variant.name,
    url,
    pid,
    isJit: true,
    refuses: 'by the letter',
    ...(setting.inspect ? { inspectorUrl: await inspectorUrl(child.logs) } : {}),
  };
}

/** The relay with `audit: { required: true }`. */
export const latchkey: StartPeer = (opened, setting) =>
  startLatchkey(opened, setting, { name: 'latchkey', isAuditRequired: true });

/** The relay with `audit: { required: false }`. */
export const latchkeyUnaudited: StartPeer = (opened, setting) =>
  startLatchkey(opened, setting, {
    name: 'latchkey, audit not required',
    isAuditRequired: false,
  });
