import { channel } from 'node:diagnostics_channel';
import type { DestinationStream } from 'pino';

const output = channel('latchkey:test-log');

/**
 * Keeps the lines of a log that is not printed, and lets the test runner look for secrets in them.
 *
 * @param lines where they are kept; absent: nowhere
 * @returns what a relay logs to
 */
export function heardLog(lines: string[] = []): DestinationStream {
  return {
    write(line) {
      output.publish(line);
      lines.push(line);
    },
  };
}
