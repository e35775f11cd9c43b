import type { AuditRecord } from '../../../audit/record.ts';
import type { Settings } from '../agent/settings/settings.ts';
import type { Diagnosis } from './check.ts';
import { homedir, release, userInfo } from 'node:os';
import { join } from 'node:path';
import { queryLedger } from '../../../audit/query.ts';
import { loadSettings } from '../agent/settings/settings.ts';
import { diagnose } from './diagnose.ts';
import { readLogTail } from './log-tail.ts';
import { maskSetting } from './mask.ts';
import { createReducer } from './reduced-audit.ts';
import { createScrub } from './scrub.ts';

const shownRecords = 200;
/** More are read than shown: the log may name people of older records. */
const readRecords = 1000;

/** What a bundle is made from. */
export interface GatherOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly now: () => number;
}

/**
 * Collects what helps to find a fault, without what is secret or says who somebody is.
 *
 * @param options where to look
 * @returns a JSON value
 */
export async function gatherBundle(options: GatherOptions): Promise<unknown> {
  const { dataDir, env, version, now } = options;
  const settings = loadSettings({ dataDir, env });
  const diagnosis = await diagnose({ dataDir, env, version, now, settings });
  const audit = readAudit(join(dataDir, 'audit'));
  const reduce = createReducer();
  const scrub = createScrub({
    words: [...wordsOf(audit.records), ...personOf(diagnosis), ...passwordsOf(settings, env)],
    paths: [
      [dataDir, '<data dir>'],
      [homedir(), '~'],
      [env['HOME'] ?? '', '~'],
    ],
  });
  return scrub({
    bundle: 1,
    createdAt: new Date(now()).toISOString(),
    versions: {
      latchkey: version,
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      kernel: release(),
    },
    doctor: {
      ok: diagnosis.findings.every(({ outcome }) => outcome !== 'fail'),
      checks: diagnosis.findings,
    },
    settings: settings.effective().map((setting) => maskSetting(setting, { query: true })),
    settingsFaults: settings.faults,
    audit: { records: audit.records.slice(0, shownRecords).map(reduce), fault: audit.fault },
    log: readLogTail(join(dataDir, 'latchkey.log')),
  });
}

function readAudit(dir: string): {
  readonly records: readonly AuditRecord[];
  readonly fault?: string;
} {
  try {
    return { records: queryLedger(dir, { limit: readRecords }).records };
  } catch (error) {
    return { records: [], fault: error instanceof Error ? error.message : String(error) };
  }
}

function wordsOf(records: readonly AuditRecord[]): string[] {
  return records.flatMap(({ user, userName, ip }) => [
    ...namesOf(user),
    ...namesOf(userName),
    ip ?? '',
  ]);
}

function personOf({ facts }: Diagnosis): string[] {
  const { subject, name, email } = facts.app?.user ?? {};
  return [subject, name, email].flatMap(namesOf).concat(systemName());
}

/** A name's parts count by themselves: a log may greet with the first one. */
function namesOf(name: string | undefined): string[] {
  return name === undefined ? [] : [name, ...name.split(/[\s@,]+/)];
}

function systemName(): string[] {
  const { username } = userInfo();
  // Says nothing about anybody, and stands in many messages.
  return username === 'root' ? [] : [username];
}

function passwordsOf(settings: Settings, env: GatherOptions['env']): string[] {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  const values = names.flatMap((name) => [env[name], env[name.toLowerCase()]]);
  return [settings.get('network.proxy'), ...values].flatMap((value) => {
    if (value === undefined) return [];
    const text = value.includes('://') ? value : `http://${value}`;
    if (!URL.canParse(text)) return [];
    const { username, password } = new URL(text);
    return [username, password].flatMap((word) => [word, decoded(word)]);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
