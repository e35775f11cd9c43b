import { spawn } from 'node:child_process';

/**
 * Opens a page in the person's browser, without a shell and without waiting for it.
 *
 * @param url an http or https address
 * @param platform as `process.platform`
 * @throws when the address is of another kind, or nothing can open it
 */
export function openBrowser(
  url: string,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  const { protocol, href } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') {
    return Promise.reject(new Error('only web pages are opened'));
  }
  const [command, args] = opener(href, platform);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore', detached: true, shell: false });
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}

function opener(href: string, platform: NodeJS.Platform): [string, string[]] {
  if (platform === 'darwin') return ['open', [href]];
  // `start` needs cmd.exe, which would read `&` in the address as a command.
  if (platform === 'win32') return ['rundll32.exe', ['url.dll,FileProtocolHandler', href]];
  return ['xdg-open', [href]];
}
