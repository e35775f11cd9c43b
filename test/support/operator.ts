import { execFileSync } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { RelayBench } from './relay.ts';

/** What `POST /reload` answered. */
export interface ReloadAnswer {
  readonly status: number;
  readonly hash?: string;
  readonly changed?: boolean;
  readonly code?: string;
  readonly faults?: readonly { readonly path: string; readonly message: string }[];
}

/** Rewrites the relay's file in one step, as editors do. */
export async function editConfig(
  bench: RelayBench,
  edit: (text: string) => string,
): Promise<string> {
  const before = await readFile(bench.configFile, 'utf8');
  await writeFile(`${bench.configFile}.new`, edit(before));
  await rename(`${bench.configFile}.new`, bench.configFile);
  return before;
}

/** Asks the management listener to reload. */
export async function postReload(bench: RelayBench): Promise<ReloadAnswer> {
  const answer = await fetch(`${bench.relay.management}/reload`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  return { ...((await answer.json()) as Omit<ReloadAnswer, 'status'>), status: answer.status };
}

/** Reads a JSON page of the management listener. */
export async function managementPage(
  bench: RelayBench,
  path: string,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await fetch(`${bench.relay.management}${path}`);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** The samples of `/metrics` by their name with labels. */
export async function readMetrics(bench: RelayBench): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${bench.relay.management}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The events of one kind in the relay's log. */
export function logged(bench: RelayBench, event: string): readonly Record<string, unknown>[] {
  return bench.log
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((entry) => entry['event'] === event);
}

/** Writes a self-signed certificate and its key. */
export function writeKeyPair(cert: string, key: string, name = 'localhost'): void {
  const options = `-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`;
  execFileSync(
    'openssl',
    [
      'req',
      ...options.split(' '),
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
}
