import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A file system of its own, unmounted after the test. */
export interface Volume {
  readonly path: string;
  /** Of an image: the file that stands for the disk. */
  readonly image: string;
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}

/** Mounts, or says why that can't be done here; the test is skipped then. */
function mounted(
  t: TestContext,
  mount: (parent: string, path: string) => void,
): Volume | undefined {
  if (process.platform !== 'linux') {
    t.skip('mounting needs Linux');
    return undefined;
  }
  const parent = mkdtempSync(join(tmpdir(), 'latchkey-volume-'));
  const path = join(parent, 'mounted');
  let isMounted = false;
  mkdirSync(path);
  t.after(() => {
    if (isMounted) run('umount', '--lazy', path);
    rmSync(parent, { recursive: true, force: true });
  });
  try {
    mount(parent, path);
    isMounted = true;
  } catch (error) {
    skip(t, error);
    return undefined;
  }
  return { path, image: imageIn(parent) };
}

function skip(t: TestContext, error: unknown): void {
  const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
  t.skip(`mounting is not possible here: ${said}`);
}

const imageIn = (parent: string): string => join(parent, 'image');

/** A small disk in memory. */
export function memoryVolume(t: TestContext, megabytes: number): Volume | undefined {
  return mounted(t, (_, path) =>
    run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path),
  );
}

/** An ext4 file system in a file, which holds what a disk would hold if power went now. */
export function diskVolume(t: TestContext, megabytes: number): Volume | undefined {
  return mounted(t, (parent, path) => {
    const image = imageIn(parent);
    writeFileSync(image, '');
    truncateSync(image, megabytes * 1024 ** 2);
    run('mkfs.ext4', '-q', '-F', image);
    // Nothing is written back for its own sake while a test runs.
    run('mount', '-o', 'loop,commit=600', image, path);
  });
}

/** Mounts a copy of a disk: what is there after power was cut and came back. */
export function mountImage(t: TestContext, image: string): Volume | undefined {
  return mounted(t, (parent, path) => {
    run('cp', '--sparse=always', image, imageIn(parent));
    run('mount', '-o', 'loop', imageIn(parent), path);
  });
}

/** Makes a mounted disk refuse all writes, as the kernel does after a fault. */
export function breakVolume({ path }: Volume): void {
  run('mount', '-o', 'remount,abort', path);
}

/** Mounts a file on itself, as a container gets a single one; returns what undoes that. */
export function mountAlone(t: TestContext, file: string): (() => void) | undefined {
  try {
    run('mount', '--bind', file, file);
    return () => run('umount', file);
  } catch (error) {
    skip(t, error);
    return undefined;
  }
}
