/**
 * The nightly run: the tests whose length is a matter of how much time there is, at full length.
 * Each prints its figures as one line of JSON.
 */
process.env['LATCHKEY_TRIPLES'] ??= '100000';
process.env['LATCHKEY_DRILL'] ??= 'full';
process.env['LATCHKEY_FUZZ_REQUESTS'] ??= '1000000';
process.env['LATCHKEY_KILLS'] ??= '50';
process.env['LATCHKEY_AUDIT_RECORDS'] ??= '1000000';
process.env['LATCHKEY_AUDIT_MUTATIONS'] ??= '1000';
process.env['LATCHKEY_VIEWS'] ??= 'all';
process.env['LATCHKEY_TEST_MINUTES'] ??= '180';
process.argv.push(
  'test/relay/policy/model.test.ts',
  'test/flow/issuer-outage.test.ts',
  'test/attack/request-fuzz.test.ts',
  'test/attack/response-fuzz.test.ts',
  'test/audit/scale.test.ts',
  'test/attack/audit-mutation.test.ts',
  'test/attack/audit-kill-drill.test.ts',
  'test/flow/kill.test.ts',
  'test/e2e/console-scroll.test.ts',
  'test/e2e/console.test.ts',
  'test/e2e/window-axe.test.ts',
  'test/e2e/window-tabs-axe.test.ts',
);
await import('./test.ts');
