#!/usr/bin/env node
import { prepareProcess } from './prepare-process.ts';

const [command = 'serve'] = process.argv.slice(2);
prepareProcess(command === 'serve' || command === '--config');
const { main } = await import('./cli/main.ts');
const { watchOutput } = await import('../wire/output-fault.ts');
watchOutput(process, ({ exitCode, words }) => {
  if (words !== undefined) process.stderr.write(`latchkey-relay: ${words}\n`);
  process.exit(exitCode);
});
process.exitCode = await main(process.argv.slice(2));
