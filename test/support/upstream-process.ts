import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

/** An upstream in a process of its own; its answers carry `x-name`. */
export interface UpstreamProcess {
  readonly url: string;
  readonly port: number;
  /** Ends it without a chance to say goodbye. */
  kill(): Promise<void>;
}

const script = fileURLToPath(new URL('upstream-server.ts', import.meta.url));

/** Starts it; it ends with the test. Port 0 is any free one that nobody gets by chance, as another takes its place. */
export async function startUpstreamProcess(
  t: TestContext,
  name: string,
  port = 0,
): Promise<UpstreamProcess> {
  const wanted = port === 0 ? await freePort() : port;
  const child = spawn(process.execPath, [script, name, String(wanted)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  t.after(kill);
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(60_000) })) as [
    Buffer,
  ];
  const bound = Number(line.toString());
  return { url: `http://127.0.0.1:${bound}`, port: bound, kill };
}
