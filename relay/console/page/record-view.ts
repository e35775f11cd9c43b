import type { ActivityRecord } from '../../../ui/activity-record.ts';
import type { AuditRecord } from '../data.ts';

/** What is shown of somebody of whom nothing is left. */
export const ERASED = 'erased person';

/**
 * Names the person of a record.
 *
 * @param record any
 * @returns the name, the subject, or that the person was erased; undefined where nobody was recognised
 */
export function personOf({ user, userName, who }: AuditRecord): string | undefined {
  return userName ?? user ?? (who === undefined ? undefined : ERASED);
}

/** Details are texts, or JSON of a few members. */
function readable(detail: string): string {
  try {
    const value = JSON.parse(detail) as unknown;
    if (typeof value !== 'object' || value === null) return detail;
    return Object.entries(value)
      .filter(([, member]) => !(Array.isArray(member) && member.length === 0))
      .map(([name, member]) => `${name} ${spoken(member)}`)
      .join(' · ');
  } catch {
    return detail;
  }
}

function spoken(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).map(([name, member]) =>
    Array.isArray(value) ? String(member) : `${name}=${String(member)}`,
  );
  return members.join(', ');
}

/**
 * Makes of a record what lists show.
 *
 * @param record as the relay gives it
 * @returns the record for the shared components
 */
export function activityOf(record: AuditRecord): ActivityRecord {
  const { tool, detail, ...rest } = record;
  const person = personOf(record);
  return {
    ...rest,
    ...(person === undefined ? {} : { person }),
    ...(tool?.name === undefined ? {} : { tool: tool.name }),
    ...(detail === undefined ? {} : { detail: readable(detail) }),
  };
}
