#!/usr/bin/env node
// Takes fpm's place (CUSTOM_FPM_PATH) where electron-builder cannot download its own: same arguments,
// Debian packages only. LATCHKEY_DEB_LEVEL is the compression level, SOURCE_DATE_EPOCH the time inside.
import { buildDeb } from './deb.ts';
import { readFpmArguments } from './fpm-arguments.ts';

function wholeNumber(name: string, fallback: number, highest: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value <= highest) return value;
  throw new Error(`${name} must be a whole number from 0 to ${highest}, not ${text}`);
}

try {
  const job = readFpmArguments(process.argv.slice(2));
  if (job.type !== 'deb') throw new Error(`only deb can be built without the real fpm`);
  await buildDeb(job, {
    level: wholeNumber('LATCHKEY_DEB_LEVEL', 6, 9),
    epochSeconds: wholeNumber('SOURCE_DATE_EPOCH', Math.floor(Date.now() / 1000), 2 ** 33),
  });
} catch (error) {
  process.stderr.write(`fpm-shim: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
