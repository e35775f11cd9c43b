import { redact } from '../agent/log.ts';
import { maskCredentials } from './mask.ts';

/** Takes what is private out of every text of a document. */
export type Scrub = (value: unknown) => unknown;

const mark = '[redacted]';
const shortestWord = 2;
const longestText = 2000;

/**
 * Makes a scrubber: known words (names, passwords) go, known paths get a neutral name, and so does whatever looks like
 * a token, a key, an e-mail address, credentials or a query.
 *
 * @param known words that must not stay, in any case of letters; paths and what to put in their place
 * @returns a function over any JSON value; members' names stay
 */
export function createScrub(known: {
  readonly words: readonly string[];
  readonly paths: readonly (readonly [path: string, name: string])[];
}): Scrub {
  const word = wordsPattern(known.words);
  const paths = known.paths
    .filter(([path]) => path.length > 1)
    .toSorted(([a], [b]) => b.length - a.length);

  function text(value: string): string {
    let clean = shortened(value);
    for (const [path, name] of paths) clean = clean.replaceAll(path, name);
    if (word) clean = clean.replace(word, mark);
    return looksSecret.reduce(
      (so, [pattern, by]) => so.replace(pattern, by),
      redact(maskCredentials(clean)),
    );
  }

  function scrub(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(scrub);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrub(item)]));
  }
  return scrub;
}

const looksSecret: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|DPoP|Basic|Negotiate)\s+[\w.~+/=-]+/gi, `$1 ${mark}`],
  [/\blk_[\w-]+/g, mark],
  [/[^\s"'<>@,;:()[\]/*]+@[^\s"'<>@,;:()[\]]+/g, mark],
  [/([a-z][\w+.-]*:\/\/[^\s?#"']+)[?#][^\s"']*/gi, `$1?${mark}`],
  [
    /\b(\w*(?:token|secret|password|passwd|assertion|code|state|nonce|cookie))=[^\s&"']+/gi,
    `$1=${mark}`,
  ],
];

/** The patterns take time that grows with the square of a text. Half a token would not look like one: it goes whole. */
function shortened(value: string): string {
  return value.length <= longestText ? value : value.slice(0, longestText).replace(/\S*$/, '…');
}

function wordsPattern(words: readonly string[]): RegExp | undefined {
  const kept = [...new Set(words.map((word) => word.trim()))]
    .filter((word) => word.length >= shortestWord)
    .toSorted((a, b) => b.length - a.length)
    .map(wordPattern);
  return kept.length === 0 ? undefined : new RegExp(kept.join('|'), 'giu');
}

/** Scripts that are written without spaces have no borders of words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

function wordPattern(word: string): string {
  const literal = word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return unspaced.test(word) ? literal : `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`;
}
