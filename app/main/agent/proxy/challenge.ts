import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';
import type { SignInChallenge } from '../login/challenge.ts';

/** One challenge of a WWW-Authenticate field. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const FIELD_LENGTH = 4096;
const SEPARATOR = /[ \t]*(?:,[ \t]*)*/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))(?=[ \t]*(?:,|$))/y;
const SCHEME = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +|(?=,|$))/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Takes a WWW-Authenticate field apart.
 *
 * @param value the field's value
 * @returns its challenges, or `undefined` when it isn't exactly in the RFC's form
 * @see RFC 9110 §11.3, §11.6.1
 */
export function parseChallenges(value: string): readonly Challenge[] | undefined {
  if (value.length > FIELD_LENGTH) return undefined;
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(value);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  next(SEPARATOR);
  while (at < value.length) {
    const parameters = challenges.at(-1)?.parameters;
    const parameter = parameters && next(PARAMETER);
    if (parameter) {
      const name = (parameter[1] as string).toLowerCase();
      // Two values for one name: readers would differ on which counts.
      if (parameters.has(name)) return undefined;
      parameters.set(name, parameter[3] ?? (parameter[2] as string).replace(/\\(.)/gs, '$1'));
    } else {
      const scheme = next(SCHEME);
      if (!scheme) return undefined;
      challenges.push({ scheme: (scheme[1] as string).toLowerCase(), parameters: new Map() });
      next(TOKEN68);
      if (value[at - 1] === ' ') continue;
    }
    if (at < value.length && !/[ \t,]/.test(value[at] as string)) return undefined;
    next(SEPARATOR);
  }
  return challenges;
}

const ACR_VALUE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;
const ACR_COUNT = 10;

/**
 * Finds what a stronger or fresher sign-in must be. It ends up in a URL that a browser opens, so
 * anything but plain, short values is refused as a whole.
 *
 * @param raw the fields of the relay's refusal
 * @returns what to ask for, or `undefined` when nothing acceptable is asked
 * @see RFC 9470 §3
 */
export function readStepUp(raw: HeaderList): SignInChallenge | undefined {
  const challenges = fieldValues(raw, 'www-authenticate').map(parseChallenges);
  const found = challenges
    .flatMap((list) => list ?? [])
    .find(({ parameters }) => parameters.get('error') === 'insufficient_user_authentication');
  if (found === undefined || !['bearer', 'dpop'].includes(found.scheme)) return undefined;
  const acrValues = (found.parameters.get('acr_values') ?? '').split(' ').filter(Boolean);
  const maxAge = found.parameters.get('max_age');
  if (acrValues.length > ACR_COUNT || !acrValues.every((acr) => ACR_VALUE.test(acr))) {
    return undefined;
  }
  if (maxAge !== undefined && !/^[0-9]{1,9}$/.test(maxAge)) return undefined;
  if (acrValues.length === 0 && maxAge === undefined) return undefined;
  return { acrValues, ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }) };
}
