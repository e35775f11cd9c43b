import { fieldValues, type HeaderList } from '../wire/headers.ts';

/** As the app writes it, and nothing that would look like something else in a report. */
const TOOL = /^[^;]*;\s*tool="([\w .+-]{1,64})"\s*$/;

/**
 * Reads which tool a request comes from, as the app says. It is the word of the caller, and tells people of
 * tools, not the policy.
 *
 * @param raw the request's fields
 * @returns the name; `undefined` where none is told, or more than one
 */
export function readToolName(raw: HeaderList): string | undefined {
  const [field, ...others] = fieldValues(raw, 'x-latchkey-client');
  return field === undefined || others.length > 0 ? undefined : TOOL.exec(field)?.[1];
}
