import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compare, type Compared } from '../alternate.ts';
import { createOpaqueAuthority } from '../opaque-issuer.ts';
import type { Peer, StartPeer } from '../peer.ts';
import { startLatchkey } from '../programs/latchkey.ts';
import { createHolders, provenLines } from '../proofs.ts';
import { round2, type Row } from '../result.ts';
import { USUAL_APIS, USUAL_TOKENS, type Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from '../session.ts';
import { bearerLines, writeRequests } from '../tokens.ts';
import { slice, type Load } from '../wrk.ts';
import type { OwnScenario } from './scenario.ts';

const HOLDERS = 100;
/** Proofs signed for a second of load: more than any relay on one core can take. */
const PROOFS_PER_SECOND = 16_000;
/** A proof is good for a minute, and signing takes a while. */
const LONGEST_SECONDS = 4;

function row(name: string, { ratio, median, cpuRatio }: Compared): Row {
  const cells = [
    Math.round(median.perSecond),
    round2(ratio),
    Math.round(median.cpuUs * 10) / 10,
    round2(cpuRatio),
    Math.round(median.p50Us),
    Math.round(median.p99Us),
  ];
  return { name, cells };
}

async function proven(run: Run, beside: Load): Promise<Row> {
  const name = 'latchkey, DPoP: a proof a request';
  const start: StartPeer = (opened, setting) =>
    startLatchkey(opened, setting, {
      name,
      isAuditRequired: true,
      issuer: ['algorithms: [RS256]', 'dpop: optional'],
    });
  const holders = await createHolders(run.authority, HOLDERS);
  const file = join(await run.opened.folder(), 'proven.txt');
  const fresh = async (peer: Peer, seconds: number): Promise<Load> => {
    const count = PROOFS_PER_SECOND * seconds;
    await writeRequests(file, provenLines(peer, holders, count, USUAL_APIS));
    return { requestsFile: file, connections: MANY_CONNECTIONS, seconds, once: true };
  };
  return await withPeer(run, start, {}, async (peer) => {
    for (let left = run.options.warmSeconds; left > 0; left -= LONGEST_SECONDS) {
      await slice(peer, await fresh(peer, Math.min(left, LONGEST_SECONDS)));
    }
    const { rounds, repeats, sliceSeconds } = run.options;
    const { reference } = run;
    const alternation = { rounds, repeats, reference, referenceLoad: beside };
    return row(name, await compare(peer, () => fresh(peer, sliceSeconds), alternation));
  });
}

async function introspected(run: Run, beside: Load): Promise<Row> {
  const name = 'latchkey, introspection, cached 30 s';
  const authority = await createOpaqueAuthority(run.opened, run.authority, USUAL_TOKENS);
  const start: StartPeer = async (opened, setting) => {
    const secretFile = join(await opened.folder(), 'secret.txt');
    await writeFile(secretFile, 'a secret of the bench', { mode: 0o600 });
    const introspection = `introspection: { clientId: relay, clientSecretFile: '${secretFile}', cache: 30s }`;
    return startLatchkey(opened, setting, {
      name,
      isAuditRequired: true,
      issuer: ['tokens: introspection', introspection],
    });
  };
  const requestsFile = join(await run.opened.folder(), 'opaque.txt');
  await writeRequests(requestsFile, bearerLines(authority.tokens, USUAL_APIS));
  return await withPeer(run, start, { authority }, async (peer) => {
    const load = { ...beside, requestsFile };
    await warm(run, peer, load);
    const { rounds, repeats } = run.options;
    const { reference } = run;
    return row(
      name,
      await compare(peer, load, { rounds, repeats, reference, referenceLoad: beside }),
    );
  });
}

/** What other credentials than a bearer JWT cost the relay. */
export const credentials: OwnScenario = async (run) => {
  const requestsFile = await usualRequests(run);
  const seconds = run.options.sliceSeconds;
  const beside = { requestsFile, connections: MANY_CONNECTIONS, seconds };
  const rows = [await proven(run, beside), await introspected(run, beside)];
  return {
    scenario: 'credentials',
    title: 'Other credentials, audit required',
    notes: [
      'Ratios to the reference with bearer tokens. DPoP: 100 people, each proof ES256 with a jti of its own, no nonce;',
      'introspection: 1,000 opaque tokens.',
    ],
    columns: ['req/s', 'ratio', 'CPU µs/req', 'CPU ratio', 'p50 µs', 'p99 µs'],
    rows,
  };
};
