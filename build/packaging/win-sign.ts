import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { CustomWindowsSignTaskConfiguration } from 'electron-builder';

const run = promisify(execFile);
const signTimeoutMs = 120_000;

/**
 * Signs one file with Authenticode, for electron-builder's `signtoolOptions.sign`. The certificate is
 * `LATCHKEY_PFX` (a PKCS #12 file) with `LATCHKEY_PFX_PASSWORD`; `LATCHKEY_TSA` is the RFC 3161 time
 * stamp server. Without a certificate the file stays unsigned, unless `LATCHKEY_REQUIRE_SIGNING=1`.
 *
 * @param task the file and the hash algorithm
 * @throws {Error} when a certificate is required and missing, or osslsigncode refuses
 */
export async function sign(
  task: Pick<CustomWindowsSignTaskConfiguration, 'path' | 'hash' | 'isNest'>,
): Promise<void> {
  const { LATCHKEY_PFX: pfx, LATCHKEY_PFX_PASSWORD: password = '' } = process.env;
  const { LATCHKEY_TSA: timeStampUrl, LATCHKEY_REQUIRE_SIGNING: required } = process.env;
  if (!pfx) {
    if (required === '1') {
      throw new Error('LATCHKEY_REQUIRE_SIGNING=1, but LATCHKEY_PFX names no certificate file');
    }
    return;
  }
  if (required === '1' && !timeStampUrl) {
    throw new Error(
      'LATCHKEY_REQUIRE_SIGNING=1, but LATCHKEY_TSA is not set: without a time stamp the signature ' +
        'ends with the certificate',
    );
  }
  const work = await mkdtemp(join(tmpdir(), 'latchkey-sign-'));
  const passwordFile = join(work, 'password');
  const signed = `${task.path}.signed`;
  try {
    // A file, because other users can read a process's arguments.
    await writeFile(passwordFile, password, { mode: 0o600 });
    const certificate = ['-pkcs12', pfx, '-readpass', passwordFile];
    const stamp = timeStampUrl ? ['-ts', timeStampUrl] : [];
    const nest = task.isNest ? ['-nest'] : [];
    const about = ['-h', task.hash, '-n', 'Latchkey'];
    const files = ['-in', task.path, '-out', signed];
    await osslsigncode(['sign', ...certificate, ...about, ...stamp, ...nest, ...files]);
    await rename(signed, task.path);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(signed, { force: true });
  }
}

async function osslsigncode(args: readonly string[]): Promise<void> {
  try {
    await run('osslsigncode', args, { timeout: signTimeoutMs });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const file = basename(args[args.indexOf('-in') + 1] ?? '');
    if (code === 'ENOENT') {
      throw new Error('osslsigncode is missing; install the package of that name', {
        cause: error,
      });
    }
    const reason = stderr.trim().slice(-500);
    throw new Error(`osslsigncode could not sign ${file}: ${reason}`, { cause: error });
  }
}
