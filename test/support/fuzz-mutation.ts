import * as fc from 'fast-check';
import { INNER } from './fuzz-framing.ts';

/** Changes some bytes. */
export type Mutation = (text: string) => string;

/**
 * Mutations: a bit, a snippet, a cut, a repetition, another's end.
 *
 * @param other gives that end
 * @returns mutations
 */
export const mutation = (other: fc.Arbitrary<string>): fc.Arbitrary<Mutation> => {
  const place = fc.nat(100_000);
  const at = (text: string, where: number): number => where % (text.length + 1);
  return fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([where, bit]): Mutation => (text) => {
      const index = at(text, where);
      const code = text.charCodeAt(index);
      if (Number.isNaN(code)) return text;
      return text.slice(0, index) + String.fromCharCode(code ^ (1 << bit)) + text.slice(index + 1);
    }),
    fc
      .tuple(
        place,
        fc.constantFrom(
          '\r\n',
          '\n',
          '\r',
          '\0',
          ' ',
          '\t',
          ':',
          '/',
          '%',
          '0',
          '\r\n\r\n',
          INNER,
          '\x80',
          ';',
          'chunked',
        ),
      )
      .map(
        ([where, snippet]): Mutation =>
          (text) =>
            text.slice(0, at(text, where)) + snippet + text.slice(at(text, where)),
      ),
    fc.tuple(place, fc.integer({ min: 1, max: 30 })).map(
      ([where, length]): Mutation =>
        (text) =>
          text.slice(0, at(text, where)) + text.slice(at(text, where) + length),
    ),
    fc.tuple(place, fc.integer({ min: 1, max: 80 })).map(([where, length]): Mutation => (text) => {
      const index = at(text, where);
      return text.slice(0, index + length) + text.slice(index);
    }),
    fc.tuple(place, place, other).map(
      ([where, there, tail]): Mutation =>
        (text) =>
          text.slice(0, at(text, where)) + tail.slice(at(tail, there)),
    ),
  );
};
