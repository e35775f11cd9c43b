import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigError, type ConfigFault } from '../../relay/config/faults.ts';
import { loadConfig } from '../../relay/config/load.ts';
import type { RelayConfig } from '../../relay/config/config.ts';

/** A relay.yaml without faults; tests append to it or alter it. */
export const GOOD = `publicUrl: https://relay.example.com
issuers:
  - issuer: https://idp.example.com
apis:
  billing:
    upstream: https://10.0.0.5:9001
    rules:
      - name: read
        allow: { methods: [GET], paths: ["/invoices/**"], scopes: [billing.read] }
`;

/** A directory that goes when the test ends. */
export async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'latchkey-config-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Writes a file with a mode. */
export async function put(dir: string, name: string, text: string, mode = 0o600): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

/** Loads a text that must be without faults. */
export async function load(
  context: TestContext,
  text: string,
  env: NodeJS.ProcessEnv = {},
): Promise<RelayConfig> {
  return loadConfig(await put(await directory(context), 'relay.yaml', text), { env });
}

/** Loads a text that must have faults, and gives them. */
export async function faultsOf(
  context: TestContext,
  text: string,
  env: NodeJS.ProcessEnv = {},
): Promise<readonly ConfigFault[]> {
  try {
    await load(context, text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

/** The faults as `line path: message`, for short assertions. */
export async function faultLines(
  context: TestContext,
  text: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const faults = await faultsOf(context, text, env);
  return faults.map(({ line, path, message }) => `${line} ${path}: ${message}`);
}
