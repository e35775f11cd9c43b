#!/usr/bin/env node
import { prepareProcess } from './prepare-process.ts';

const [command = 'serve'] = process.argv.slice(2);
prepareProcess(command === 'serve' || command === '--config');
const { main } = await import('./cli/main.ts');
process.exitCode = await main(process.argv.slice(2));
