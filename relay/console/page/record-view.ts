import type { ActivityRecord } from '../../../ui/activity-record.ts';
import { outsideText } from '../../../ui/outside-text.ts';
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
  const name = userName ?? user;
  if (name !== undefined) return outsideText(name);
  return who === undefined ? undefined : ERASED;
}

/**
 * Makes of a record what lists show.
 *
 * @param record as the relay gives it
 * @returns the record for the shared components
 */
export function activityOf(record: AuditRecord): ActivityRecord {
  const { tool, ...rest } = record;
  const person = personOf(record);
  return {
    ...rest,
    ...(person === undefined ? {} : { person }),
    ...(tool?.name === undefined ? {} : { tool: tool.name }),
    ...(tool?.key === undefined ? {} : { toolKey: tool.key }),
  };
}
