import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { demoCode } from '../../demo/people.ts';

/** How a person behaves in the browser. */
export interface SignInOptions {
  /** Presses "Deny" on the consent page. */
  readonly deny?: boolean;
  /** Stops before the app's callback is requested and answers with its URL instead. */
  readonly stopAtCallback?: boolean;
  /** For the whole walk, or each step in a browser, in ms; default 60 000. */
  readonly timeoutMs?: number;
}

/** Where the walk through the provider's pages ended. */
export interface SignInResult {
  /** The callback URL with `code` or `error`. */
  readonly callbackUrl: string;
  /** Status and text of the page that the app showed; absent with `stopAtCallback`. */
  readonly status?: number;
  readonly text?: string;
}

type Jar = Map<string, Map<string, string>>;

function remember(jar: Jar, url: URL, response: Response): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
    const split = pair.indexOf('=');
    const key = `${url.host}${path}`;
    const cookies = jar.get(key) ?? new Map<string, string>();
    const value = pair.slice(split + 1);
    if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line))
      cookies.delete(pair.slice(0, split));
    else cookies.set(pair.slice(0, split), value);
    jar.set(key, cookies);
  }
}

function cookiesFor(jar: Jar, url: URL): string {
  return [...jar]
    .filter(([key]) => `${url.host}${url.pathname}`.startsWith(key))
    .flatMap(([, cookies]) => [...cookies].map(([name, value]) => `${name}=${value}`))
    .join('; ');
}

function formOf(html: string): {
  readonly action: string;
  readonly kind: 'login' | 'code' | 'consent';
} {
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (action === undefined) throw new Error(`no form on the page: ${html.slice(0, 2000)}`);
  if (html.includes('name="password"')) return { action, kind: 'login' };
  return { action, kind: html.includes('name="code"') ? 'code' : 'consent' };
}

/**
 * Walks the demo provider's pages as a browser would, with fetch and cookies, to the loopback callback.
 *
 * @param signInUrl the URL that the app would open in the browser
 * @param user the person's user name
 * @param password the person's password
 * @param options deny, stop before the callback, time-out in ms
 * @returns the callback's URL and the page shown there
 */
export async function signInWithFetch(
  signInUrl: string,
  user: string,
  password: string,
  options: SignInOptions = {},
): Promise<SignInResult> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  const jar: Jar = new Map();
  const provider = new URL(signInUrl).origin;
  let url = new URL(signInUrl);
  let body: URLSearchParams | undefined;
  let logins = 0;

  for (let step = 0; step < 20; step += 1) {
    const atCallback = url.origin !== provider;
    if (atCallback && options.stopAtCallback === true) return { callbackUrl: url.href };
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers: { Accept: 'text/html', Cookie: cookiesFor(jar, url) },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    remember(jar, url, response);
    body = undefined;
    const location = response.headers.get('location');
    if (!atCallback && location !== null) {
      await response.body?.cancel();
      url = new URL(location, url);
      continue;
    }
    const text = await response.text();
    if (atCallback) return { callbackUrl: url.href, status: response.status, text };
    if (response.status >= 400) {
      throw new Error(`the provider answered ${response.status}: ${text.slice(0, 2000)}`);
    }
    const form = formOf(text);
    url = new URL(form.action, url);
    if (form.kind === 'login') logins += 1;
    if (logins > 1) throw new Error('the provider asked for the password again');
    const answer = options.deny === true ? 'deny' : 'allow';
    const fields = { login: { user, password }, code: { code: demoCode }, consent: { answer } };
    body = new URLSearchParams(fields[form.kind]);
  }
  throw new Error('the provider redirected more than 20 times');
}

/**
 * Finds a Chromium on this machine: `CHROMIUM_PATH`, else the usual places.
 *
 * @returns its path, or undefined
 */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH'];
  return [
    ...(named === undefined ? [] : [named]),
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((path) => existsSync(path));
}

/**
 * Starts a real, headless Chromium that looks nothing up of its own accord.
 *
 * @param args more of Chromium's switches
 * @returns the browser; close it
 */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium: set CHROMIUM_PATH');
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

/**
 * Signs in with a real, headless Chromium; needs {@link findChromium} to find one.
 *
 * @param signInUrl the URL that the app would open in the browser
 * @param user the person's user name
 * @param password the person's password
 * @param options deny, time-out in ms; `screenshot` keeps a picture of the last page at that path
 * @returns the callback's URL and the text of the page that the app showed there
 */
export async function signInWithChromium(
  signInUrl: string,
  user: string,
  password: string,
  options: SignInOptions & { readonly screenshot?: string } = {},
): Promise<SignInResult> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(options.timeoutMs ?? 60_000);
    await page.goto(signInUrl);
    await page.getByLabel('User name').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    if (new URL(signInUrl).searchParams.get('acr_values')?.includes('mfa') === true) {
      await page.getByLabel('One-time code').fill(demoCode);
      await page.getByRole('button', { name: 'Confirm' }).click();
    }
    const provider = new URL(signInUrl).origin;
    const answered = page.waitForResponse(
      (response) => new URL(response.url()).origin !== provider,
    );
    await page.getByRole('button', { name: options.deny === true ? 'Deny' : 'Allow' }).click();
    const response = await answered;
    // The answer begins before the page is another one.
    await page.waitForURL((url) => url.origin !== provider);
    const text = await page.locator('body').innerText();
    if (options.screenshot !== undefined) await page.screenshot({ path: options.screenshot });
    return { callbackUrl: response.url(), status: response.status(), text };
  } finally {
    await browser.close();
  }
}
