import type { ActivityRecord } from './activity-record.ts';
import { membersOf, textOf, textsOf, type Members } from './event-members.ts';
import { listed } from './format.ts';

const causes: ReadonlyMap<string, string> = new Map([
  ['start', 'Configuration in effect as the relay started'],
  ['signal', 'Configuration reloaded, as a signal asked for it'],
  ['file', 'Configuration reloaded, since a file changed'],
  ['management', 'Configuration reloaded, as an administrator asked for it'],
  ['retry', 'Configuration reloaded, after it could not be at first'],
  ['rotate-key', 'Master key of the people in the audit exchanged'],
]);

/**
 * Says what was set in another way: the relay's configuration, or a key of the app's tools.
 *
 * @param record of the kind `config`
 * @returns a sentence without its end
 */
export function configWords({ detail, toolKey }: ActivityRecord): string {
  const members = membersOf(detail);
  if (members !== undefined) return loadedWords(members);
  const [, deed, id, scope] = /^key (made|revoked|lent) (\S+): (.*)$/su.exec(detail ?? '') ?? [];
  if (deed !== undefined)
    return `Tool key ${toolKey === undefined ? id : `“${toolKey}”`} ${deed}: ${scope}`;
  return detail === undefined ? 'Settings changed' : `Settings changed: ${detail}`;
}

function loadedWords(members: Members): string {
  const cause = causes.get(textOf(members, 'cause') ?? '') ?? 'Configuration changed';
  const more = [
    ...(textOf(members, 'certificate') === 'replaced' ? ['certificate replaced'] : []),
    ...named('insecure', textsOf(members, 'insecure')),
    ...named('without required audit', textsOf(members, 'auditNotRequired')),
    ...named('audit sent to', textsOf(members, 'auditSinks')),
  ];
  return more.length === 0 ? cause : `${cause}; ${more.join('; ')}`;
}

function named(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what}: ${listed(names)}`];
}
