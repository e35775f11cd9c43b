import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLogoutProvider } from '../support/logout-provider.ts';
import {
  inTime,
  openEvents,
  openSocket,
  prepareRelays,
  startStreams,
  use,
} from '../support/logout.ts';
import { sendRaw } from '../support/raw.ts';

/** What the relay says to a token that it refuses; the stream's upstream never ends an answer. */
async function refusalOf(relayUrl: string, token: string): Promise<string | undefined> {
  const answer = await sendRaw(
    relayUrl,
    `GET /x/1 HTTP/1.1\r\nHost: ${new URL(relayUrl).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  return answer.startsWith('HTTP/1.1 401 ') ? /"code":"([a-z_]+)"/.exec(answer)?.[1] : undefined;
}

test('signing out at a real provider ends tokens and streams within 2 s, and only those', async (t) => {
  const provider = await startLogoutProvider(t);
  const relays = await prepareRelays(t, {
    issuers: [provider],
    upstream: await startStreams(t),
  });
  const { url } = await relays.start();
  provider.notify(url);
  const ann = await provider.signIn('ann');
  const bob = await provider.signIn('bob');
  const [socket, events, others] = [
    await openSocket(url, ann.token),
    await openEvents(url, ann.token),
    await openSocket(url, bob.token),
  ];

  await ann.signOut();
  assert.equal(await inTime(socket.ended), 1008);
  assert.equal(await inTime(events.ended), 'cut');
  assert.deepEqual(provider.deliveries, ['ok']);
  assert.equal(await refusalOf(url, ann.token), 'token_revoked');
  assert.equal(await refusalOf(url, bob.token), undefined);
  await assert.rejects(inTime(others.ended, 300), /did not happen/);
  others.close();

  // Dates in tokens are whole seconds.
  await sleep(1_100);
  const again = await provider.signIn('ann');
  assert.equal(await refusalOf(url, again.token), undefined, 'a new sign-in works');
  assert.equal((await use(url, ann.token)).code, 'token_revoked');
});
