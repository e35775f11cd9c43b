import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { buildConfig } from './build.ts';
import type { RelayConfig } from './config.ts';
import { type ParsedDocument, type RawFault, parseConfigText } from './document.ts';
import { ConfigError, type ConfigFault } from './faults.ts';
import { schemaFaults } from './issues.ts';
import { safetyFaults } from './safety.ts';
import { relaySchema } from './schema.ts';
import { readSecrets } from './secrets.ts';
import { exists } from './select.ts';

const nameOf = (fault: RawFault): string =>
  fault.path.length === 0 ? '(file)' : fault.path.join('.');

function located(file: string, raws: readonly RawFault[], document: ParsedDocument): ConfigFault[] {
  const faults = raws.map((raw) => ({
    file,
    ...document.positionOf(raw),
    path: nameOf(raw),
    message: raw.message,
  }));
  return faults
    .filter(
      (fault, at) =>
        faults.findIndex(
          (other) =>
            other.path === fault.path &&
            other.message === fault.message &&
            other.line === fault.line,
        ) === at,
    )
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

const wholeFile = (file: string, message: string): ConfigError =>
  new ConfigError([{ file, line: 1, column: 1, path: '(file)', message }]);

/** What is no UTF-8 would be read as something else, and the line and column show where. */
function checkEncoding(file: string, bytes: Buffer): void {
  if (isUtf8(bytes)) return;
  const text = bytes.toString('utf8');
  const before = text.slice(0, text.indexOf('\ufffd'));
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  const message = 'is no UTF-8 here; save the file in that encoding';
  throw new ConfigError([{ file, line, column, path: '(file)', message }]);
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const message =
      code === 'ENOENT' ? 'the file does not exist' : `the file cannot be read (${code})`;
    throw wholeFile(file, message);
  }
}

/**
 * Reads, checks and freezes a relay.yaml, with the secrets that it refers to.
 *
 * @param file its path; relative paths inside it are relative to its directory
 * @param options `env`: what `${NAME}` is taken from
 * @returns the configuration that the relay runs by
 * @throws {ConfigError} every fault at once, in the file's order
 */
export async function loadConfig(
  file: string,
  { env }: { readonly env: NodeJS.ProcessEnv },
): Promise<RelayConfig> {
  const bytes = await bytesOf(file);
  checkEncoding(file, bytes);
  const document = parseConfigText(bytes.toString('utf8'), env);
  const faults: RawFault[] = [...document.faults];
  if (!document.readable) throw new ConfigError(located(file, faults, document));

  const { values } = document;
  const directory = dirname(resolve(file));
  const secrets = await readSecrets(values, directory);
  const result = relaySchema.safeParse(values);
  // One cause, one fault: what an unset variable makes wrong besides is noise.
  const known = new Set(faults.filter(({ offset }) => offset === undefined).map(nameOf));
  const further = [
    ...safetyFaults(values),
    ...secrets.faults,
    ...(result.success ? [] : schemaFaults(result.error.issues, (path) => exists(values, path))),
  ];
  faults.push(...further.filter((fault) => !known.has(nameOf(fault))));
  if (!result.success || faults.length > 0) throw new ConfigError(located(file, faults, document));
  return buildConfig(result.data, {
    file: resolve(file),
    directory,
    secrets: secrets.contents,
    hash: createHash('sha256').update(bytes).digest('hex'),
  });
}
