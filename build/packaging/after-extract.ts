import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Takes out Electron's own shell, which runs any folder given on the command line. electron-builder
 * leaves it out of the official distribution, but not out of another one.
 *
 * @param context where Electron was unpacked to
 */
export async function afterExtract(context: { readonly appOutDir: string }): Promise<void> {
  await rm(join(context.appOutDir, 'resources', 'default_app.asar'), { force: true });
}
