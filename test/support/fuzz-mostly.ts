import * as fc from 'fast-check';

/**
 * Mostly the usual.
 *
 * @param usual what is chosen as a rule
 * @param odd what is chosen now and then
 * @param weight how often the usual for each time of the odd
 * @returns either
 */
export const mostly = <T>(
  usual: fc.Arbitrary<T>,
  odd: fc.Arbitrary<T>,
  weight = 12,
): fc.Arbitrary<T> => fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });
