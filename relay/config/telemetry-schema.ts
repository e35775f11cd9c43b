import { z } from 'zod';
import { flag, headerName, httpUrl, text } from './leaves.ts';

const RATIO = 'must be a number from 0 to 1';

/** What of the relay's work is told to a collector. */
export const telemetrySchema = z.strictObject({
  serviceName: text.default('latchkey-relay'),
  traces: z.strictObject({
    url: httpUrl,
    ratio: z.number(RATIO).min(0, RATIO).max(1, RATIO).default(0.1),
    headerFiles: z.record(headerName, text).default({}),
    caFile: text.optional(),
    paths: flag.default(false),
  }),
});
