import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { SnapshotView } from '../../../app/main/ipc/contract.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import { allRecords } from '../../audit/ledger-dir.ts';
import { useCompany } from '../../support/company.ts';
import {
  electronSkipReason,
  eventually,
  launchApp,
  type LaunchedApp,
} from '../../support/electron.ts';
import { signInWithFetch } from '../../support/sign-in.ts';

const skip = await electronSkipReason();

describe('the tray app ends without losing what runs', { skip }, () => {
  const company = useCompany();

  /** A signed-in app, and a request under way that takes so long. */
  async function start(t: TestContext, ms: number) {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-quit-'));
    const launched = await launchApp({ dataDir, relay: company().relayUrl });
    t.after(async () => {
      await launched.close();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    });
    const localUrl = await signIn(launched);
    const answer = fetch(`${localUrl}/billing/slow?ms=${ms}`).then(
      ({ status }) => status,
      () => 'cut',
    );
    const records = (): Promise<AuditRecord[]> => allRecords(join(dataDir, 'audit'));
    await eventually('the request', async () =>
      (await records()).some(({ path }) => path === '/billing/slow') ? true : undefined,
    );
    const running = launched.app.process();
    const ended = once(running, 'exit').then(([code]) => code as number | null);
    return { launched, running, answer, ended, records };
  }

  async function signIn({ app, page: window }: LaunchedApp): Promise<string> {
    const page = await window();
    await app.evaluate(({ shell }) => {
      shell.openExternal = (url: string): Promise<void> => {
        Object.assign(globalThis, { opened: url });
        return Promise.resolve();
      };
    });
    await page.getByRole('button', { name: 'Sign in' }).click();
    const url = await eventually('the browser to open', async () =>
      app.evaluate(() => (globalThis as unknown as { opened?: string }).opened),
    );
    await signInWithFetch(url, 'alice', 'alice-demo');
    return eventually('the session', async () => {
      const script = 'latchkey.getSnapshot().then((reply) => reply.value)';
      const { status, localUrl } = await page.evaluate<SnapshotView>(script);
      return status === 'ready' ? localUrl : undefined;
    });
  }

  const last = (records: readonly AuditRecord[]): unknown => {
    const { status, closedBy } = records.findLast(({ kind }) => kind === 'outcome') ?? {};
    return { status, closedBy, end: records.at(-1)?.kind };
  };

  test('a signal waits for an answer', async (t) => {
    const { running, answer, ended, records } = await start(t, 4_000);
    running.kill('SIGTERM');
    assert.equal(await answer, 200);
    assert.equal(await ended, 0);
    assert.deepEqual(last(await records()), { status: 200, closedBy: 'relay', end: 'stop' });
  });

  test('a second signal does not, and what is cut is recorded', async (t) => {
    const { running, answer, ended, records } = await start(t, 60_000);
    running.kill('SIGTERM');
    running.kill('SIGINT');
    assert.equal(await answer, 'cut');
    assert.equal(await ended, 0);
    assert.deepEqual(last(await records()), { status: 503, closedBy: 'drain', end: 'stop' });
  });

  test('neither does a person who quits, for long', async (t) => {
    const { launched, answer, ended, records } = await start(t, 60_000);
    // The app may be gone before it has answered.
    await launched.app.evaluate(({ app }) => app.quit()).catch(() => undefined);
    assert.equal(await answer, 'cut');
    assert.equal(await ended, 0);
    assert.deepEqual(last(await records()), { status: 503, closedBy: 'drain', end: 'stop' });
  });
});
