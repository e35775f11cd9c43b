import type { SecretKind } from './shapes.ts';

/** Token material that a test file prints on purpose. */
export interface Allowed {
  /** Below the root, with `/`. */
  readonly file: string;
  readonly kind: SecretKind;
  readonly because: string;
}

/** All of it; whatever is not here is a leak. */
export const ALLOWED: readonly Allowed[] = [
  {
    file: 'test/app/cli/bundle.test.ts',
    kind: 'JWT',
    because: 'writes a log with secrets in it, for the bundle to cut out',
  },
  {
    file: 'test/app/cli/bundle.test.ts',
    kind: 'tool key',
    because: 'writes a log with secrets in it, for the bundle to cut out',
  },
  {
    file: 'test/app/cli/run.test.ts',
    kind: 'tool key',
    because: 'the command that `latchkey run` starts prints the key that it was given',
  },
  {
    file: 'test/build/leaks.test.ts',
    kind: 'JWT',
    because: 'runs test files that leak, to see that they are found',
  },
];
