#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { NODE_OPTIONS } from './node-options.ts';

// Beside what is installed, which only its owner can write; where that is nobody, it has no effect.
const compiled = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'latchkey');
const { argv, env, execArgv, execPath, execve, platform } = process;

// What runs for days begins anew with node's options, as the same process; then what was compiled once need not be
// again, nor what strips types be loaded.
const canBeginAnew = platform !== 'win32' && execve !== undefined && process.send === undefined;
if (argv[2] === 'agent' && env['NODE_COMPILE_CACHE'] === undefined && canBeginAnew) {
  const args = [execPath, ...NODE_OPTIONS, ...execArgv, ...argv.slice(1)];
  execve(execPath, args, { ...env, NODE_COMPILE_CACHE: compiled });
}
enableCompileCache(compiled);
const { runCommand } = await import('./command.ts');
const { watchOutput } = await import('../../wire/output-fault.ts');

let failedWith: number | undefined;
watchOutput(process, ({ exitCode, words }) => {
  failedWith = exitCode;
  if (words !== undefined) process.stderr.write(`latchkey: ${words}\n`);
  // Whoever hears nothing any more still has tools at the port: they are let go in order.
  if (argv[2] === 'agent') process.kill(process.pid, 'SIGTERM');
  else process.exit(exitCode);
});
const code = await runCommand(argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env,
});
process.exitCode = failedWith ?? code;
