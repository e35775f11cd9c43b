import { type PathPattern, pathSegments } from './pattern.ts';

/** What can be found by a path. */
export interface Matchable {
  /** Undefined: any path. */
  readonly patterns: readonly PathPattern[] | undefined;
}

/** Finds what a path matches, in the order given at compilation. */
export type Matcher<T> = (path: string) => readonly T[];

interface Step {
  readonly next: Map<string, Step>;
  /** One segment, whatever it is, but not an empty one. */
  any?: Step;
  /** Positions of what ends here. */
  readonly ends: number[];
  /** Positions of what ends here and takes any rest. */
  readonly rests: number[];
}

const newStep = (): Step => ({ next: new Map(), ends: [], rests: [] });

function insert(root: Step, { segments, rest }: PathPattern, position: number): void {
  let step = root;
  for (const segment of segments) {
    const known = segment === null ? step.any : step.next.get(segment);
    const following = known ?? newStep();
    if (segment === null) step.any = following;
    else step.next.set(segment, following);
    step = following;
  }
  (rest ? step.rests : step.ends).push(position);
}

function isAscending(positions: readonly number[]): boolean {
  for (let at = 1; at < positions.length; at++)
    if ((positions[at - 1] as number) >= (positions[at] as number)) return false;
  return true;
}

/** Follows all ways at once, so that stars never make it go back. */
function follow(root: Step, path: readonly string[], found: number[]): void {
  let steps = [root];
  for (const segment of path) {
    const following: Step[] = [];
    for (const step of steps) {
      for (const position of step.rests) found.push(position);
      const exact = step.next.get(segment);
      if (exact !== undefined) following.push(exact);
      if (step.any !== undefined && segment !== '') following.push(step.any);
    }
    steps = following;
    if (steps.length === 0) return;
  }
  for (const step of steps) found.push(...step.ends, ...step.rests);
}

/**
 * Compiles patterns to one tree of segments: finding costs a walk along the path, however many
 * there are that do not match.
 *
 * @param items each with its patterns, in the order in which they are to be found
 * @returns the matcher
 */
export function compileMatcher<T extends Matchable>(items: readonly T[]): Matcher<T> {
  const root = newStep();
  const always: number[] = [];
  items.forEach(({ patterns }, position) => {
    if (patterns === undefined) always.push(position);
    for (const pattern of patterns ?? []) insert(root, pattern, position);
  });
  return (path) => {
    const found = always.slice();
    follow(root, pathSegments(path), found);
    // One item may be found by several of its patterns.
    const positions = isAscending(found) ? found : [...new Set(found)].sort((a, b) => a - b);
    return positions.map((position) => items[position] as T);
  };
}
