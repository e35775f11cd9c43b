import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { JSValueHandle, QuickJS, QuickJSOptions } from 'quickjs-wasi';
import { NetworkError } from './network-error.ts';
import { networkFunctions, type ScriptFunction, type ScriptValue } from './pac-functions.ts';

/** What a proxy script may use up for one answer. */
const LIMITS = { runMs: 1_000, totalMs: 5_000, memoryBytes: 32 * 1024 * 1024, lookups: 16 };
/** Those of the library's functions that only compute. */
const PLAIN = [
  'dateRange',
  'dnsDomainIs',
  'dnsDomainLevels',
  'isPlainHostName',
  'localHostOrDomainIs',
  'timeRange',
  'weekdayRange',
] as const;

/** Runs proxy scripts, each answer in a sandbox of its own that can do nothing but look names up. */
export interface ScriptRunner {
  /**
   * @param script the text of the file
   * @param url where the call goes; of it only scheme, host and port are told to the script
   * @returns what `FindProxyForURL` returned
   * @throws {NetworkError} when it fails, or takes too long
   */
  run(script: string, url: URL): Promise<string>;
}

/**
 * Makes a runner; the sandbox is loaded at its first use. Since a script calls its functions and waits, it is
 * run again from its start each time a name has been looked up for it, as Chromium does.
 *
 * @param limits `runMs` of computing, `totalMs` with name look-ups; for tests
 * @returns the runner
 */
export function createScriptRunner(limits: Partial<typeof LIMITS> = {}): ScriptRunner {
  const { runMs, totalMs, memoryBytes, lookups } = { ...LIMITS, ...limits };
  let loaded: ReturnType<typeof loadSandbox> | undefined;

  async function evaluate(script: string, url: URL, signal: AbortSignal): Promise<string> {
    const { create, plain } = await (loaded ??= loadSandbox());
    const names = new Map<string, string | null>();
    let leftMs = runMs;
    while (names.size <= lookups) {
      let missing: string | undefined;
      const functions = networkFunctions((name) => {
        const known = names.get(name);
        if (known !== undefined) return known;
        missing ??= name;
        throw new Error('not looked up yet');
      });
      let endsAtMs = Infinity;
      const vm = await create(memoryBytes, () => Date.now() > endsAtMs);
      const startedAtMs = Date.now();
      endsAtMs = startedAtMs + leftMs;
      let answer: string | undefined;
      try {
        answer = call(vm, script, url, { ...plain, ...functions });
      } catch (error) {
        // The script may have caught the one, and failed by another.
        if (missing === undefined || Date.now() > endsAtMs) throw error;
      } finally {
        leftMs -= Date.now() - startedAtMs;
        vm.dispose();
      }
      if (missing === undefined) return answer ?? '';
      names.set(missing, await addressOf(missing, signal));
    }
    throw new Error('it looks too many names up');
  }

  return {
    async run(script, url) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), totalMs);
      try {
        return await evaluate(script, url, abort.signal);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        const isSlow = abort.signal.aborted || said.includes('interrupted');
        // Not the error itself, which holds on to the sandbox and all its memory.
        const cause = new Error(said);
        throw new NetworkError(
          `the proxy script ${isSlow ? 'takes too long' : 'fails'}; ask your IT department, or set network.proxy to the proxy itself`,
          { cause },
        );
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function call(
  vm: QuickJS,
  script: string,
  url: URL,
  functions: Readonly<Record<string, ScriptFunction>>,
): string {
  for (const [name, run] of Object.entries(functions)) {
    const inside = vm.newFunction(name, (...args) =>
      give(vm, run(...args.map((arg) => take(vm, arg)))),
    );
    vm.setProp(vm.global, name, inside);
  }
  vm.evalCode(script, 'proxy.pac');
  const find = vm.evalCode('FindProxyForURL');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const answer = vm.callFunction(
    find,
    vm.undefined,
    vm.newString(`${url.origin}/`),
    vm.newString(host),
  );
  const value = take(vm, answer);
  if (typeof value === 'string') return value;
  // Browsers take nothing for DIRECT; anything else is a fault of the script.
  if (value === null || (value === undefined && vm.typeof(answer) === 'undefined')) return '';
  throw new Error('it answers with something that is no text');
}

function take(vm: QuickJS, value: JSValueHandle): ScriptValue {
  const type = vm.typeof(value);
  if (type !== 'string' && type !== 'number' && type !== 'boolean') {
    return type === 'object' && vm.dump(value) === null ? null : undefined;
  }
  return vm.dump(value) as ScriptValue;
}

function give(vm: QuickJS, value: ScriptValue): JSValueHandle {
  if (typeof value === 'string') return vm.newString(value);
  if (typeof value === 'number') return vm.newNumber(value);
  if (typeof value === 'boolean') return value ? vm.true : vm.false;
  return value === null ? vm.null : vm.undefined;
}

async function addressOf(name: string, signal: AbortSignal): Promise<string | null> {
  const gone = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(new Error('it takes too long'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  const found = lookup(name, { family: 4 }).then(
    ({ address }) => address,
    () => null,
  );
  return Promise.race([found, gone]);
}

async function loadSandbox(): Promise<{
  readonly create: (memoryLimit: number, interruptHandler: () => boolean) => Promise<QuickJS>;
  readonly plain: Readonly<Record<string, ScriptFunction>>;
}> {
  // From the sources this is the package beside them; in the packaged app, the one in its archive.
  const require = createRequire(join(import.meta.dirname, 'pac-script.ts'));
  // Known to the runtime, but not to the types without those of a browser.
  const { WebAssembly: engine } = globalThis as unknown as {
    readonly WebAssembly: { compile(bytes: Uint8Array): Promise<QuickJSOptions['wasm']> };
  };
  const [{ QuickJS }, { sandbox }, wasm] = await Promise.all([
    import('quickjs-wasi'),
    import('pac-resolver'),
    readFile(require.resolve('quickjs-wasi/quickjs.wasm')).then((bytes) => engine.compile(bytes)),
  ]);
  const functions = sandbox as unknown as Readonly<Record<string, ScriptFunction>>;
  return {
    create: (memoryLimit, interruptHandler) =>
      QuickJS.create({ wasm, memoryLimit, interruptHandler }),
    plain: Object.fromEntries(PLAIN.map((name) => [name, functions[name] as ScriptFunction])),
  };
}
