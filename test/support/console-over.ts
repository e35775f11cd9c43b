import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLedger } from '../../audit/ledger.ts';
import type { SignInConfig } from '../../relay/config/config.ts';
import type { SharedState } from '../../relay/state/shared-state.ts';
import { createManagement } from '../../relay/admin/management.ts';

/**
 * Opens the management listener's application on loopback over a ledger, without a relay that serves.
 *
 * @param t closes it
 * @param dir of the ledger, with or without records
 * @param host where the configuration says that it listens
 * @param more who signs in, and what was revoked
 * @returns its URL
 */
export async function openConsoleOver(
  t: { after(close: () => Promise<void>): void },
  dir: string,
  host = '127.0.0.1',
  more: {
    readonly signIn?: SignInConfig;
    readonly isRevoked?: SharedState['isRevoked'];
  } = {},
): Promise<string> {
  const ledger = createLedger({ dir, side: 'relay' });
  let own = '';
  const { isRevoked, ...management } = more;
  const unused = (): never => assert.fail('nobody may get here');
  const { app, close } = createManagement(
    {
      checks: () => [],
      config: () => ({ hash: '0'.repeat(64), loadedAt: new Date().toISOString(), insecure: [] }),
      metrics: unused,
      reload: unused,
      upstreams: () => [],
      revocations: {
        issuers: unused,
        state: { revoke: unused, revocations: unused, isRevoked: isRevoked ?? unused },
        streamsOf: unused,
        ledger,
        now: Date.now,
      },
    },
    {
      ledger,
      auditDir: dir,
      apis: () => [],
      management: () => ({ listen: { kind: 'tcp', host, port: 0 }, console: true, ...management }),
      url: () => own,
      version: '0.0.0-test',
      now: Date.now,
      log: () => undefined,
    },
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
    await close();
    await ledger.close();
  });
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return own;
}
