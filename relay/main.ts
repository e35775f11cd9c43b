#!/usr/bin/env node
import { prepareProcess } from './prepare-process.ts';

prepareProcess();
// Only now: what is loaded before would be compiled anew, and let the heap grow as it likes.
const { main } = await import('./cli/main.ts');
process.exitCode = await main(process.argv.slice(2));
