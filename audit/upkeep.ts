import type { People } from './people/people.ts';
import type { AuditKind, RecordedFields } from './record.ts';
import { createRetention } from './retention/job.ts';
import type { RetentionPolicy } from './retention/policy.ts';
import { prepareAside } from './retention/prepare-aside.ts';
import { prepareSegment } from './retention/prepare.ts';

const eventsMs = 500;
const dayMs = 86_400_000;

/** What a ledger does beside recording. */
export interface Upkeep {
  close(): Promise<void>;
}

/**
 * Records what other processes did to the ledger's people, and lets records expire at once and then daily.
 *
 * @param deps `policy` is asked at each run, without one nothing expires; `isAside` lets a thread prepare the files
 * @returns the upkeep, running
 */
export function startUpkeep(deps: {
  readonly dir: string;
  readonly people: People;
  readonly policy: (() => RetentionPolicy) | undefined;
  readonly isAside: boolean;
  readonly append: (kind: AuditKind, fields: RecordedFields) => Promise<void>;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): Upkeep {
  const { dir, people, policy, append, now, onError } = deps;
  const retention =
    policy &&
    createRetention({
      dir,
      policy,
      people,
      prepare: deps.isAside ? prepareAside : prepareSegment,
      append: (fields) => append('expire', fields),
      now,
      onError,
    });
  let recording: Promise<void> | undefined;

  async function recordEvents(): Promise<void> {
    for (const event of people.events()) {
      await append(event.kind, event.fields);
      people.recorded(event);
    }
  }

  const eventsTimer = setInterval(() => {
    recording ??= recordEvents()
      .catch(onError)
      .finally(() => {
        recording = undefined;
      });
  }, eventsMs);
  eventsTimer.unref();
  const dayTimer = setInterval(() => void retention?.run(), dayMs);
  dayTimer.unref();
  void retention?.run();

  return {
    async close() {
      clearInterval(eventsTimer);
      clearInterval(dayTimer);
      await recording;
      await retention?.close();
    },
  };
}
