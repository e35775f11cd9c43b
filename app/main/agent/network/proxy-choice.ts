import { isWithin } from '../is-within.ts';
import { envRoute, type Env } from './env-proxy.ts';
import { NetworkError } from './network-error.ts';
import { isLoopback } from './no-proxy.ts';
import { parseRoutes } from './pac-list.ts';
import type { Pac } from './pac.ts';
import { parseProxySetting, type ProxySetting } from './proxy-setting.ts';
import { direct, routeName, type Route } from './route.ts';

/** How long an answer of the system or of a script holds before it is asked again. */
const FRESH_MS = 30_000;
/** The same for a failure, which may be over as soon as the network is back. */
const FAULT_MS = 3_000;
/** How long the system may take to answer. */
const SYSTEM_MS = 3_000;
/** How long a proxy that failed is tried last. */
const BAD_MS = 300_000;
const MAX_KEPT = 64;

/** Tells the system's proxies for a URL, `PROXY a:1; DIRECT`; undefined when it has no opinion. */
export type ResolveSystem = (url: string) => Promise<string | undefined>;

/** What a choice is made from. */
export interface ProxyChoiceDeps {
  /** `network.proxy`. */
  readonly setting?: string | undefined;
  readonly env: Env;
  readonly resolveSystem?: ResolveSystem | undefined;
  /** Makes the script that the setting names. */
  readonly createPac: (script: URL) => Pac;
  /** The app's own local port, which `latchkey env` may have put in this very environment. */
  readonly ownPort?: (() => number | undefined) | undefined;
  /** Epoch ms. */
  readonly now: () => number;
}

/** Chooses the way to each server. */
export interface ProxyChoice {
  /** The routes to try in turn, at least one; never rejects. */
  routes(url: URL): Promise<readonly Route[]>;
  /** The last answer, at once; undefined before the first. It is asked again when it has grown old. */
  known(url: URL): readonly Route[] | undefined;
  /** A proxy failed: it is tried last for a while, and who named it is asked again. */
  failed(url: URL, route: Route): void;
}

interface Answer {
  readonly routes: readonly Route[];
  readonly askedAtMs: number;
  readonly freshMs: number;
}

/**
 * Makes the choice: first the setting, then the system, then the environment. This computer is always
 * reached directly; a setting that makes no sense, or a script that fails, refuses every call.
 *
 * @param deps setting, environment, system
 * @returns the choice
 */
export function createProxyChoice(deps: ProxyChoiceDeps): ProxyChoice {
  const { now } = deps;
  const setting = readSetting(deps.setting);
  const pac = setting?.kind === 'pac' ? deps.createPac(setting.script) : undefined;
  const answers = new Map<string, Answer>();
  const sure = new Map<string, readonly Route[]>();
  const asking = new Map<string, Promise<readonly Route[]>>();
  const failedAtMs = new Map<string, number>();

  function fromEnv(url: URL): readonly Route[] {
    const route = envRoute(deps.env, url);
    const isOwn =
      route.kind === 'proxy' &&
      isLoopback(route.proxy.host) &&
      route.proxy.port === deps.ownPort?.();
    return [isOwn ? direct : route];
  }

  async function askSystem(url: string): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), SYSTEM_MS);
    });
    try {
      return await Promise.race([deps.resolveSystem?.(url), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function ask(url: URL): Promise<readonly Route[]> {
    if (pac !== undefined) {
      return pac.find(url).then(parseRoutes, (error: unknown) => [refusal(error)]);
    }
    // Only what a browser would tell a script: neither path nor query.
    const system = await askSystem(`${url.origin}/`).catch(() => undefined);
    return system === undefined ? fromEnv(url) : parseRoutes(system);
  }

  function askOnce(url: URL): Promise<readonly Route[]> {
    const { origin } = url;
    const running = asking.get(origin);
    if (running !== undefined) return running;
    const started = ask(url)
      .then((routes) => {
        if (answers.size >= MAX_KEPT) answers.clear();
        const isFault = routes[0]?.kind === 'refused';
        answers.set(origin, { routes, askedAtMs: now(), freshMs: isFault ? FAULT_MS : FRESH_MS });
        return routes;
      })
      .finally(() => asking.delete(origin));
    asking.set(origin, started);
    return started;
  }

  function decide(url: URL): readonly Route[] | undefined {
    if (isLoopback(url.hostname)) return [direct];
    if (setting?.kind === 'fixed') return [setting.route];
    return setting !== undefined || deps.resolveSystem !== undefined ? undefined : fromEnv(url);
  }

  /** What needs no asking, kept: each request of a tool comes here. */
  function certain(url: URL): readonly Route[] | undefined {
    const { origin } = url;
    const kept = sure.get(origin);
    if (kept !== undefined) return kept;
    const routes = decide(url);
    if (sure.size >= MAX_KEPT) sure.clear();
    if (routes !== undefined) sure.set(origin, routes);
    return routes;
  }

  function isBad(route: Route): boolean {
    if (failedAtMs.size === 0) return false;
    return isWithin(now(), failedAtMs.get(routeName(route)) ?? -Infinity, BAD_MS);
  }

  const isFresh = ({ askedAtMs, freshMs }: Answer): boolean => isWithin(now(), askedAtMs, freshMs);

  function ordered(routes: readonly Route[]): readonly Route[] {
    if (routes.length < 2 || !routes.some(isBad)) return routes;
    return [...routes.filter((each) => !isBad(each)), ...routes.filter(isBad)];
  }

  return {
    async routes(url) {
      const routes = certain(url);
      if (routes !== undefined) return routes;
      const kept = answers.get(url.origin);
      return ordered(kept !== undefined && isFresh(kept) ? kept.routes : await askOnce(url));
    },
    known(url) {
      const routes = certain(url);
      if (routes !== undefined) return routes;
      const kept = answers.get(url.origin);
      if (kept === undefined || !isFresh(kept)) void askOnce(url);
      return kept && ordered(kept.routes);
    },
    failed(url, route) {
      if (failedAtMs.size >= MAX_KEPT) failedAtMs.clear();
      failedAtMs.set(routeName(route), now());
      pac?.outdated();
      const kept = answers.get(url.origin);
      if (kept !== undefined) {
        answers.set(url.origin, { ...kept, freshMs: 0 });
      }
    },
  };
}

function readSetting(text: string | undefined): ProxySetting | undefined {
  if (text === undefined) return undefined;
  try {
    return parseProxySetting(text);
  } catch (error) {
    return { kind: 'fixed', route: refusal(error) };
  }
}

function refusal(error: unknown): Route {
  const reason = error instanceof NetworkError ? error.message : 'the proxy cannot be found out';
  return { kind: 'refused', reason };
}
