// Loaded before each test file: looks for token material in all that it and its children print.
import { isMainThread } from 'node:worker_threads';
import { join, relative, sep } from 'node:path';
import { FINDINGS_VARIABLE, hintOf, leaveFinding } from './findings.ts';
import { learnIssued } from './issued.ts';
import { tapOutputs } from './outputs.ts';
import { findSecrets } from './shapes.ts';

const root = join(import.meta.dirname, '..', '..');
const findings = process.env[FINDINGS_VARIABLE];
const file = process.argv[1] ?? '';
/** Longer lines are looked at in pieces; a token is shorter than what two of them share. */
const MAX_LINE = 64 * 1024;
const OVERLAP = 8 * 1024;
const STACK_DEPTH = 30;

/** The stack's nearest frame in the test file, as it stands when something is printed or started. */
function stackNow(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_DEPTH;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = before;
  return stack;
}

function lineIn(stack: string): number | undefined {
  const at = stack.indexOf(file);
  const [, line] = /^:(\d+)/.exec(at < 0 ? '' : stack.slice(at + file.length)) ?? [];
  return line === undefined ? undefined : Number(line);
}

function watch(path: string): void {
  const issued = learnIssued();
  const unfinished = new WeakMap<object, string>();
  const name = relative(root, file).split(sep).join('/');

  function look(source: string, text: string, from: string): void {
    for (const secret of findSecrets(text, issued))
      leaveFinding(path, {
        file: name,
        line: lineIn(from),
        kind: secret.kind,
        source,
        hint: hintOf(secret),
      });
  }

  tapOutputs(({ source, chunk, place, stream }) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    const all = (unfinished.get(stream) ?? '') + text;
    // What is not finished may be all that comes, so that it is looked at each time.
    for (const line of all.split('\n')) look(source, line, place);
    const rest = all.slice(all.lastIndexOf('\n') + 1);
    unfinished.set(stream, rest.length > MAX_LINE ? rest.slice(-OVERLAP) : rest);
  }, stackNow);
}

if (isMainThread && findings !== undefined && file.endsWith('.test.ts')) watch(findings);
