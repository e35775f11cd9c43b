/**
 * The nightly run: the tests whose length is a matter of how much time there is, at full length.
 * Each prints its figures as one line of JSON.
 */
process.env['LATCHKEY_TRIPLES'] ??= '100000';
process.env['LATCHKEY_DRILL'] ??= 'full';
process.argv.push('test/relay/policy/model.test.ts', 'test/flow/issuer-outage.test.ts');
await import('./test.ts');
