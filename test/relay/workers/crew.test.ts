import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCrew } from '../../../relay/workers/crew.ts';
import type { Member } from '../../../relay/workers/member.ts';
import { createRota } from '../../../relay/workers/rota.ts';
import { until } from '../../support/until.ts';

/** A crew of members that are no processes; `begin` decides what becomes of each, by its number. */
function assemble(size: number, begin: (hired: number) => Promise<void>) {
  const hired: (Member & { left: string })[] = [];
  const events: string[] = [];
  const rota = createRota<Member>(() => ({ connections: 100, perAddress: undefined }));
  const crew = createCrew({
    size,
    rota,
    leaveMs: () => 50,
    gone: () => {},
    log: ({ event, worker }) => void events.push(`${String(event)} ${String(worker)}`),
    begin: (member) => begin(hired.indexOf(member as (typeof hired)[0]) + 1),
    hire(place) {
      let end = (): void => {};
      const gone = new Promise<void>((resolve) => {
        end = resolve;
      });
      const member = {
        place,
        gone,
        left: '',
        give: () => {},
        leave(isReplaced: boolean) {
          member.left = isReplaced ? 'replaced' : 'stopped';
          end();
        },
        kill() {
          member.left ||= 'killed';
          end();
        },
      };
      hired.push(member as unknown as (typeof hired)[0]);
      return member as unknown as Member;
    },
  });
  return { crew, hired, events, rota };
}

test('one that cannot start ends all, with its error', async () => {
  const { crew, hired } = assemble(3, (at) =>
    at === 2 ? Promise.reject(new Error('no such key')) : Promise.resolve(),
  );
  await assert.rejects(crew.start(), /no such key/);
  assert.deepEqual(
    hired.map(({ left }) => left),
    ['killed', 'killed', 'killed'],
  );
  assert.deepEqual(crew.serving().length, 0);
});

test('one that ends before it is ready is no start either', async () => {
  const { crew, hired } = assemble(1, () => new Promise(() => {}));
  const started = assert.rejects(crew.start(), /ended before it was ready/);
  hired[0]?.kill();
  await started;
});

test('a place is filled again, however often that fails', async () => {
  const { crew, hired, events } = assemble(2, (at) =>
    at === 3 || at === 4 ? Promise.reject(new Error('not yet')) : Promise.resolve(),
  );
  await crew.start();
  hired[1]?.kill();
  await until('two workers serve', () => crew.serving().length === 2 && hired.length === 5);
  assert.deepEqual(events.slice(2), [
    'worker_died 2',
    'worker_failed 2',
    'worker_failed 2',
    'worker_ready 2',
  ]);
  assert.equal(crew.died(), 1);
  await crew.leave();
  assert.equal(crew.all().length, 0);
  assert.equal(hired.length, 5, 'nobody is hired for those who were told to go');
});

test('the old one goes when the new one is ready, and not before', async () => {
  let ready = (): void => {};
  const { crew, hired } = assemble(1, (at) =>
    at === 1
      ? Promise.resolve()
      : new Promise((resolve) => {
          ready = resolve;
        }),
  );
  await crew.start();
  const replaced = crew.replace();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hired[0]?.left, '');
  assert.deepEqual(crew.serving(), [hired[0]]);
  ready();
  await replaced;
  assert.equal(hired[0]?.left, 'replaced');
  assert.deepEqual(crew.serving(), [hired[1]]);
  assert.equal(crew.died(), 0);
});

test('where the new one cannot start, the old one stays', async () => {
  const { crew, hired, events } = assemble(2, (at) =>
    at === 3 ? Promise.reject(new Error('broken')) : Promise.resolve(),
  );
  await crew.start();
  await crew.replace();
  assert.deepEqual(crew.serving(), hired.slice(0, 2));
  assert.ok(events.includes('replace_failed 1'));
});
