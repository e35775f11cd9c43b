import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import type { PackageJob } from './fpm-arguments.ts';

/** How the package is made. */
export interface DebOptions {
  /** 0 (fast) to 9 (small). */
  readonly level: number;
  /** Seconds since 1970, for the times inside the package. */
  readonly epochSeconds: number;
}

const compressors: Readonly<Record<string, string>> = { gz: 'gzip', xz: 'xz', zst: 'zstd' };

/**
 * Builds a Debian package with dpkg-deb: everything owned by root, nobody else may write.
 *
 * @param job what is packed
 * @param options compression level and times
 * @throws {Error} when dpkg-deb is missing or refuses, with its words
 * @see https://www.debian.org/doc/debian-policy/ch-controlfields.html
 */
export async function buildDeb(job: PackageJob, options: DebOptions): Promise<void> {
  const compressor = compressors[job.compression];
  if (compressor === undefined) throw new Error(`deb: unknown compression ${job.compression}`);
  const work = await mkdtemp(join(tmpdir(), 'latchkey-deb-'));
  try {
    await placeFiles(job, work);
    await writeDocuments(job, work, options.epochSeconds);
    const files = await tidyPermissions(work);
    await writeControl(job, work, files);
    await mkdir(dirname(job.output), { recursive: true });
    const how = ['--root-owner-group', `-Z${compressor}`, `-z${options.level}`];
    await dpkgDeb([...how, '--build', work, job.output], options.epochSeconds);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function placeFiles(job: PackageJob, work: string): Promise<void> {
  for (const { source, target } of job.placements) {
    const place = join(work, target);
    await mkdir(dirname(place), { recursive: true });
    if (source.endsWith('/')) {
      await cp(source, place, { recursive: true, verbatimSymlinks: true });
    } else {
      await copyFile(source, place);
      await chmod(place, 0o644);
    }
  }
}

async function writeDocuments(job: PackageJob, work: string, epochSeconds: number): Promise<void> {
  const folder = join(work, 'usr', 'share', 'doc', job.name);
  await mkdir(folder, { recursive: true });
  const license = job.license ?? 'unknown';
  await writeFile(
    join(folder, 'copyright'),
    `${job.name}, by ${job.vendor ?? job.maintainer}\nLicense: ${license}\n` +
      (license === 'Apache-2.0' ? 'Full text: /usr/share/common-licenses/Apache-2.0\n' : ''),
  );
  const date = new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
  const entry = `${job.name} (${job.version}) stable; urgency=medium\n\n  * See ${job.url ?? 'CHANGELOG.md'}\n\n -- ${job.maintainer}  ${date}\n`;
  await writeFile(join(folder, 'changelog.gz'), gzipSync(entry, { level: 9 }));
}

interface PackedFile {
  /** Relative to the package's root. */
  readonly path: string;
  readonly size: number;
  readonly regular: boolean;
}

/** The build user's umask must not show in the package: 0755 for folders and programs, else 0644. */
async function tidyPermissions(work: string): Promise<readonly PackedFile[]> {
  await chmod(work, 0o755);
  const packed: PackedFile[] = [];
  for (const name of (await readdir(work, { recursive: true })).sort()) {
    const file = join(work, name);
    const stats = await lstat(file);
    if (!stats.isSymbolicLink()) {
      await chmod(file, stats.isDirectory() || (stats.mode & 0o111) !== 0 ? 0o755 : 0o644);
    }
    packed.push({ path: name, size: stats.size, regular: stats.isFile() });
  }
  return packed;
}

async function writeControl(
  job: PackageJob,
  work: string,
  files: readonly PackedFile[],
): Promise<void> {
  const folder = join(work, 'DEBIAN');
  await mkdir(folder, { mode: 0o755 });
  await writeFile(join(folder, 'control'), controlText(job, files), { mode: 0o644 });
  const sums: string[] = [];
  for (const { path, regular } of files) {
    if (!regular) continue;
    const hash = createHash('md5');
    await pipeline(createReadStream(join(work, path)), hash);
    sums.push(`${hash.digest('hex')}  ${path}\n`);
  }
  await writeFile(join(folder, 'md5sums'), sums.join(''), { mode: 0o644 });
  for (const [name, source] of job.scripts) {
    await copyFile(source, join(folder, name));
    await chmod(join(folder, name), 0o755);
  }
}

/**
 * The package's control file.
 *
 * @param job what is packed
 * @param files what lies in the package
 * @returns its text
 */
export function controlText(job: PackageJob, files: readonly { readonly size: number }[]): string {
  const [summary = '', ...rest] = job.description.split('\n').map((line) => line.trim());
  const installedBytes = files.reduce((sum, { size }) => sum + size, 0);
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['Package', job.name],
    ['Version', job.version],
    ['Section', job.category ?? 'utils'],
    ['Priority', job.priority ?? 'optional'],
    ['Architecture', job.architecture],
    ['Installed-Size', String(Math.ceil(installedBytes / 1024))],
    ['Depends', job.depends.join(', ')],
    ['Recommends', job.recommends.join(', ')],
    ['Maintainer', job.maintainer],
    ['Homepage', job.url],
    ['Description', summary || job.name],
  ];
  const lines = fields.filter(([, value]) => value !== undefined && value !== '');
  for (const [name, value] of lines) {
    // A line break would begin a field of the value's own choosing.
    if (/[\r\n]/.test(value ?? '')) throw new Error(`deb: line break in ${name}`);
  }
  const long = rest.map((line) => ` ${line === '' ? '.' : line}\n`).join('');
  return `${lines.map(([name, value]) => `${name}: ${value}\n`).join('')}${long}`;
}

async function dpkgDeb(args: readonly string[], epochSeconds: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(epochSeconds) };
    const child = spawn('dpkg-deb', args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.once('error', (cause) =>
      reject(new Error('dpkg-deb cannot be started; install the Debian package dpkg', { cause })),
    );
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`dpkg-deb failed (${code}): ${complaint.trim()}`));
    });
  });
}
