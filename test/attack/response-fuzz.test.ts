import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createResponseParser } from '../../wire/response-parser.ts';
import type { ResponseHead } from '../../wire/response-head.ts';
import { cutUp, fuzzAnswers, MARKER, POISON, type FuzzAnswer } from '../support/fuzz-answer.ts';
import {
  createFuzzProxy,
  type Pace,
  type Scripted,
  type SeenAnswer,
} from '../support/fuzz-proxy.ts';
import { runBeyond, runParser, type ParserRun } from '../support/parser-run.ts';
import { readStrictly, type StrictHead, type StrictReading } from '../support/strict-response.ts';

const ANSWERS = Number(process.env['LATCHKEY_FUZZ_REQUESTS'] ?? 20_000);
const WIRE_ANSWERS = Math.min(100_000, Math.ceil(ANSWERS / 10));
const SEED = Number(process.env['LATCHKEY_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff);
/** Drawn at once; each batch has a seed of its own, which finds it again without those before it. */
const BATCH = 2_000;
const LANES = 24;

/** Limits lie near the end of long answers. */
function bytewise(text: string): readonly string[] {
  const from = text.length <= 300 ? 0 : text.length - 12;
  return cutUp(
    text,
    Array.from({ length: text.length - from }, (_, at) => from + at),
  );
}

/** Long runs of one character tell no more than their length. */
const shown = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/(.)\1{40,}/g, (run, char: string) => `{${run.length} ${char}}`);

/** A connection used again although it must not be is told here; a careful one is no fault. */
function differs(head: ResponseHead, strict: StrictHead): boolean {
  return (
    head.status !== strict.status ||
    head.statusText !== strict.reason ||
    JSON.stringify(head.raw) !== JSON.stringify(strict.fields) ||
    (head.keepAliveMs > 0 && !strict.reusable)
  );
}

function headsDiffer(run: ParserRun, strict: Extract<StrictReading, { head: unknown }>): boolean {
  return (
    run.head === undefined ||
    differs(run.head, strict.head) ||
    run.interims.length !== strict.interims.length ||
    run.interims.some((each, at) => {
      const other = strict.interims[at];
      return other === undefined || differs({ ...each, keepAliveMs: 0 }, other);
    })
  );
}

/** Compares what the parser reports with what a reader at leisure finds. */
function compare(run: ParserRun, strict: StrictReading, answer: FuzzAnswer): readonly string[] {
  const faults: string[] = [];
  const say = (isFault: boolean, what: string): void => void (isFault && faults.push(what));
  if (strict.kind !== 'complete') say(run.trailers !== undefined, `complete, but ${strict.kind}`);
  if (strict.kind !== 'switched') say(run.tunnel !== undefined, `switched, but ${strict.kind}`);
  switch (strict.kind) {
    case 'complete':
      say(run.trailers === undefined, 'not complete, although it is');
      say(headsDiffer(run, strict), 'another head');
      say(run.body !== strict.body, 'another body');
      say(JSON.stringify(run.trailers) !== JSON.stringify(strict.trailers), 'other trailers');
      say(run.refused !== strict.used < answer.text.length, 'what follows is not what is refused');
      break;
    case 'switched':
      say(headsDiffer(run, strict), 'another head');
      say(run.tunnel !== strict.tunnel, 'another tunnel');
      break;
    case 'refused':
      say(!run.refused, `not refused: ${strict.why}`);
      break;
    case 'partial':
      say(answer.closed && !run.refused, 'the end within an answer is not refused');
      break;
    default:
      strict satisfies never;
  }
  return faults;
}

function faultsOf(answer: FuzzAnswer, strict: StrictReading): readonly string[] {
  const { text, cuts } = answer;
  const whole = runParser([text], answer);
  const faults = [...whole.faults, ...compare(whole, strict, answer)];
  for (const pieces of [cutUp(text, cuts), bytewise(text)]) {
    const run = runParser(pieces, answer);
    if (JSON.stringify(run) !== JSON.stringify(whole))
      faults.push(`another result in ${pieces.length} pieces`);
  }
  if (strict.kind !== 'complete' || (answer.closed && strict.used === text.length)) return faults;
  const pieces = cutUp(text.slice(0, strict.used), cuts);
  faults.push(...[text.slice(0, 1), POISON].flatMap((more) => runBeyond(pieces, answer, more)));
  const parser = createResponseParser();
  const again = { ...answer, closed: false };
  const [first, second] = [runParser(pieces, again, parser), runParser(pieces, again, parser)];
  if (JSON.stringify(first) !== JSON.stringify(second))
    faults.push('the next answer on the connection is read in another way');
  return faults;
}

test(`${ANSWERS} answers by a grammar, and mutated: cut anywhere, they are what a strict reader finds`, (t) => {
  const kinds = { complete: 0, switched: 0, refused: 0, partial: 0 };
  const property = fc.property(fuzzAnswers(10), (answer) => {
    const strict = readStrictly(answer.text, answer);
    kinds[strict.kind] += 1;
    const faults = faultsOf(answer, strict);
    if (faults.length > 0) throw new Error(faults.join('; '));
  });
  for (let done = 0; done < ANSWERS; done += BATCH) {
    const seed = (SEED + done) % 0x7fff_ffff;
    const found = fc.check(property, { seed, numRuns: Math.min(BATCH, ANSWERS - done) });
    if (found.failed)
      assert.fail(
        `seed ${seed}: ${String(found.errorInstance)}\nsmallest: ${shown(found.counterexample)}`,
      );
  }
  t.diagnostic(JSON.stringify({ fuzz: 'answers', seed: SEED, ...kinds }));
  for (const kind of ['complete', 'refused', 'partial'] as const)
    assert.ok(kinds[kind] > ANSWERS / 20, `only ${kinds[kind]} are ${kind}: too little is tried`);
});

interface WireCase {
  readonly answers: readonly FuzzAnswer[];
  readonly pace: Pace;
  /** Whether an answer that breaks off leaves its connection open. */
  readonly stalls: boolean;
}

const wireCases: fc.Arbitrary<WireCase> = fc.record({
  answers: fc.array(fuzzAnswers(0), { minLength: 2, maxLength: 2 }),
  pace: fc.constantFrom('prompt', 'late', 'pipelined'),
  stalls: fc.nat(49).map((chance) => chance === 0),
});

function scriptOf(
  { text, method, cuts, closed }: FuzzAnswer,
  at: number,
  from: WireCase,
): Scripted {
  const id = String(at % 1_000_000).padStart(6, '0');
  const bytes = text.replaceAll(MARKER, `~${id}~`);
  const read = readStrictly(bytes, { method, upgrade: false, closed: false });
  // An event stream may be silent for ever.
  const stalls = from.stalls && !bytes.includes('event-stream');
  const closes = read.kind === 'partial' ? closed || !stalls : closed && at % 4 === 0;
  const isTailFree = from.pace === 'late' || read.kind !== 'complete';
  // Whatever comes once the next request is under way is the answer to that, for all that can be known.
  const whole = isTailFree ? undefined : read.used - 1;
  const pieces = cutUp(
    bytes,
    whole === undefined ? cuts : cuts.map((cut) => Math.abs(cut) % (whole + 1)),
  );
  return { id, method, pieces, closes };
}

function judge({ id, method, pieces, closes }: Scripted, seen: SeenAnswer): readonly string[] {
  const { reading, bytes, ended } = seen;
  const strict = readStrictly(pieces.join(''), { method, upgrade: false, closed: closes });
  const faults: string[] = [];
  const say = (isFault: boolean, what: string): void => void (isFault && faults.push(what));
  say(!ended, 'it never ends');
  const markers = bytes.match(/~[0-9]{6}~/g) ?? [];
  say(
    markers.some((each) => each !== `~${id}~`),
    'an answer of another request',
  );
  say(reading.kind === 'refused' || reading.kind === 'switched', `the client is sent ${bytes}`);
  if (strict.kind === 'complete') {
    say(reading.kind !== 'complete', `${reading.kind}, although it is complete`);
    if (reading.kind !== 'complete') return faults;
    say(reading.head.status !== strict.head.status, `${reading.head.status} in its place`);
    say(reading.body !== strict.body, 'another body');
    const { status, fields } = reading.head;
    say(
      status === 204 && fields.some((name) => /^content-length$/i.test(name)),
      'a length where RFC 9110 §8.6 forbids one',
    );
  } else if (reading.kind === 'complete') {
    const { head, body } = reading;
    const isOurs = [502, 504].includes(head.status) && !shown([head, body]).includes(`~${id}~`);
    say(!isOurs, `whole, although it is ${strict.kind}`);
  }
  return faults;
}

test(`${WIRE_ANSWERS} such answers, on the wire: each goes to its own request, whole or visibly cut`, async (t) => {
  const proxy = await createFuzzProxy(t);
  const counts = { answers: 0, whole: 0, failed: 0, cut: 0 };
  const faults: string[] = [];

  async function run(each: WireCase, at: number, seed: number): Promise<void> {
    const scripts = each.answers.map((answer, index) => scriptOf(answer, at + index, each));
    const seen = await proxy.converse(scripts, each.pace);
    for (const [index, script] of scripts.entries()) {
      const answer = seen[index] as SeenAnswer;
      counts.answers += 1;
      if (answer.reading.kind !== 'complete') counts.cut += 1;
      else if (answer.bytes.includes('upstream_')) counts.failed += 1;
      else counts.whole += 1;
      for (const fault of judge(script, answer))
        faults.push(`seed ${seed}, ${each.pace}, answer ${index + 1}: ${fault}; ${shown(scripts)}`);
    }
  }

  for (let done = 0; done < WIRE_ANSWERS; done += BATCH) {
    const seed = (SEED + done) % 0x7fff_ffff;
    const numRuns = Math.ceil(Math.min(BATCH, WIRE_ANSWERS - done) / 2);
    const cases = fc.sample(wireCases, { seed, numRuns }).entries();
    const lane = async (): Promise<void> => {
      for (const [at, each] of cases) await run(each, done + 2 * at, seed);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    if (faults.length > 0) assert.fail(faults.slice(0, 5).join('\n'));
  }
  t.diagnostic(
    JSON.stringify({ fuzz: 'wire', seed: SEED, ...counts, connections: proxy.connections() }),
  );
  assert.ok(counts.whole > WIRE_ANSWERS / 4, `only ${counts.whole} arrive: too little is tried`);
});
