import { AuditError } from '../errors.ts';
import { fileIdentity } from '../file-identity.ts';
import type { AuditFields, RecordedFields } from '../record.ts';
import { type AddressDetail, recordedAddress } from './address.ts';
import { encrypt } from './cipher.ts';
import { forgery } from './event-seal.ts';
import { createEvents, type Events, type PeopleEvent } from './events.ts';
import { type KeyFile, openKeyFile, peoplePath } from './key-file.ts';
import { createKey, createKeyStore, type KeyStore, type UsedKey } from './key-store.ts';
import { createHolds, type Hold, holdsPerson } from '../retention/holds.ts';
import { createRecent } from './recent.ts';
import { createReveal, type Reveal } from './reveal.ts';

const remembered = 10_000;
const ALTERED_DAYS =
  'the days on which keys in people.sqlite were last used were altered: these keys count as used today';

/** The people of a ledger, for its writer. */
export interface People {
  /**
   * Puts a pseudonym and a sealed text in place of the members that name somebody.
   *
   * @param fields changed in place
   * @returns the same
   * @throws {AuditError} `audit_unavailable`
   */
  seal(fields: AuditFields): RecordedFields;
  /**
   * Makes the keys of what was sealed durable; to be called before those records are committed.
   *
   * @throws when that fails; then they must not be committed
   */
  save(): void;
  readonly reveal: Reveal;
  /** What other processes want to be recorded. */
  events(): readonly PeopleEvent[];
  /** It is recorded. */
  recorded(event: PeopleEvent): void;
  holds(): readonly Hold[];
  pseudonymsOf(user: string, issuer?: string): readonly string[];
  /**
   * Destroys the keys of people and strangers without records.
   *
   * @param beforeMs they were not used since; epoch ms
   * @returns how many; none while holds need their records
   */
  forgetUnused(beforeMs: number): number;
  close(): void;
}

interface SealedTexts {
  readonly key: UsedKey;
  readonly sealed: string | undefined;
}

interface Opened {
  readonly file: KeyFile;
  readonly store: KeyStore;
  readonly events: Events;
  readonly identity: string | undefined;
  /** Changes when another process changed the file. */
  readonly changes: () => number;
}

function open(dir: string, busyTimeoutMs: number): Opened {
  const file = openKeyFile(dir, busyTimeoutMs);
  const version = file.db.prepare<[], number>('PRAGMA data_version').pluck();
  return {
    file,
    store: createKeyStore(file),
    events: createEvents(file, dir),
    identity: fileIdentity(peoplePath(dir)),
    changes: () => version.get() as number,
  };
}

/**
 * Opens the people of a ledger for its writer, and makes their file when there is none.
 *
 * @param options the ledger's directory; how much of an address is recorded; the clock, epoch ms; `onError` is told
 *   of what somebody else wrote into the file
 * @returns the people
 * @throws {AuditError} `audit_config` when the master key can't be used
 */
export function createPeople(options: {
  readonly dir: string;
  readonly ip: AddressDetail;
  readonly busyTimeoutMs: number;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): People {
  const { dir, now, busyTimeoutMs, onError } = options;
  const keys = createRecent<UsedKey>(remembered);
  const texts = createRecent<SealedTexts>(remembered);
  const created = new Set<UsedKey>();
  /** Used on another day than the file says. */
  const touched = new Set<UsedKey>();
  let opened = open(dir, busyTimeoutMs);
  let seenChanges = opened.changes();
  let reveal = createReveal((who) => opened.store.behind(who));
  /** Whether a look was taken, since the last commit, for keys that another process destroyed. */
  let isFresh = false;
  let today = { number: Number.NaN, day: '' };

  function forget(): void {
    keys.clear();
    texts.clear();
    reveal = createReveal((who) => opened.store.behind(who));
    for (const key of created) keys.set(nameOf(key.person ?? key.who), key);
  }

  function refresh(): void {
    if (isFresh) return;
    const changes = opened.changes();
    if (changes !== seenChanges) {
      forget();
      seenChanges = changes;
    }
    isFresh = true;
  }

  function utcDay(): string {
    const number = Math.floor(now() / 86_400_000);
    if (number !== today.number) {
      today = { number, day: new Date(number * 86_400_000).toISOString().slice(0, 10) };
    }
    return today.day;
  }

  function keyOf(owner: Parameters<KeyStore['find']>[0]): UsedKey {
    const name = nameOf(owner);
    const known = keys.get(name) ?? opened.store.find(owner);
    const key = known ?? createKey(owner, utcDay());
    if (!known) created.add(key);
    keys.set(name, key);
    return key;
  }

  /** The directory was moved away, or the file was: what is in use is written into the new one. */
  function reopen(): void {
    opened.file.close();
    opened = open(dir, busyTimeoutMs);
    seenChanges = opened.changes();
    for (const key of keys.values()) created.add(key);
  }

  function sealedOf(fields: AuditFields, ip: string | undefined): SealedTexts {
    const { issuer = '', user, userName, tokenId } = fields;
    const name = JSON.stringify([issuer, user, userName, ip, tokenId, user ?? utcDay()]);
    const known = texts.get(name);
    if (known !== undefined) return known;
    const key = keyOf(user === undefined ? utcDay() : { issuer, user });
    const isBare = userName === undefined && ip === undefined && tokenId === undefined;
    const text = isBare
      ? undefined
      : encrypt(key.key, JSON.stringify({ ip, tokenId, userName }), key.who).toString('base64url');
    const made = { key, sealed: text && (user === undefined ? `${key.who}:${text}` : text) };
    texts.set(name, made);
    return made;
  }

  return {
    seal(fields) {
      const ip = fields.ip === undefined ? undefined : recordedAddress(fields.ip, options.ip);
      const { user, userName, tokenId } = fields;
      const nameless = fields as Partial<Record<keyof RecordedFields, unknown>>;
      nameless.ip = undefined;
      if ((user ?? userName ?? tokenId ?? ip) === undefined) return fields;
      try {
        refresh();
        const { key, sealed } = sealedOf(fields, ip);
        const day = utcDay();
        if (key.seen !== day) {
          key.seen = day;
          touched.add(key);
        }
        nameless.user = undefined;
        nameless.userName = undefined;
        nameless.tokenId = undefined;
        nameless.who = user === undefined ? undefined : key.who;
        nameless.sealed = sealed;
        return fields;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new AuditError('audit_unavailable', `people's keys can't be read: ${reason}`, {
          cause: error,
        });
      }
    },
    save() {
      isFresh = false;
      if (opened.identity === undefined || fileIdentity(peoplePath(dir)) !== opened.identity) {
        reopen();
      }
      if (created.size === 0 && touched.size === 0) return;
      opened.store.put([...created], [...touched]);
      created.clear();
      touched.clear();
    },
    reveal: (record) => reveal(record),
    events: () => opened.events.list(),
    recorded(event) {
      opened.events.remove(event);
      if (event.kind === 'anomaly') onError(new AuditError('audit_tampered', toldOf(event)));
    },
    holds: () => createHolds(opened.file).list(),
    pseudonymsOf: (user, issuer) => opened.store.pseudonymsOf(user, issuer),
    forgetUnused(beforeMs) {
      const holds = createHolds(opened.file)
        .list()
        .map((hold) => hold.holds);
      if (holds.some(({ kind }) => kind !== 'user')) return 0;
      const before = new Date(Math.max(0, beforeMs)).toISOString().slice(0, 10);
      const isKept: Parameters<KeyStore['destroyUnused']>[1] = (person) =>
        person !== undefined && holds.some((it) => holdsPerson(it, person));
      const count = opened.file.db
        .transaction(() => {
          const { store, events } = opened;
          const { destroyed, altered } = store.destroyUnused({ before, today: utcDay() }, isKept);
          if (altered > 0) events.add([forgery(altered, ALTERED_DAYS)]);
          return destroyed;
        })
        .immediate();
      if (count === 0) return 0;
      opened.file.db.pragma('wal_checkpoint(TRUNCATE)');
      forget();
      return count;
    },
    close() {
      opened.file.close();
    },
  };
}

const nameOf = (owner: Parameters<KeyStore['find']>[0]): string =>
  typeof owner === 'string' ? owner : JSON.stringify([owner.issuer, owner.user]);

const toldOf = ({ fields: { count, detail } }: PeopleEvent): string => `${detail} (${count})`;
