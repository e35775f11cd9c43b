import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { GOOD } from '../support/relay-yaml.ts';
import { until } from '../support/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'relay', 'main.ts');

test(
  'SIGHUP reloads the relay, SIGTERM ends it with 0',
  { skip: process.platform === 'win32' && 'there are no such signals' },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'latchkey-hup-'));
    const file = join(dir, 'relay.yaml');
    const text = `listen: 127.0.0.1:0\n${GOOD}`;
    await writeFile(file, text);
    // In one step: the relay looks at its file by itself, too.
    const replace = async (next: string): Promise<void> => {
      await writeFile(`${file}.new`, next);
      await rename(`${file}.new`, file);
    };
    const child = spawn(process.execPath, [MAIN, '--config', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    t.after(async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(dir, { recursive: true, force: true });
    });
    const events: Record<string, unknown>[] = [];
    createInterface(child.stdout).on('line', (line) => {
      events.push(JSON.parse(line) as Record<string, unknown>);
    });
    const named = (event: string) => events.filter((entry) => entry['event'] === event);
    const hup = async (event: string, count: number): Promise<Record<string, unknown>> => {
      child.kill('SIGHUP');
      await until(`${event} is told`, () => named(event).length >= count);
      return named(event).at(-1) ?? {};
    };
    await until('the relay listens', () => named('listening').length === 1);
    const unchanged = await hup('reloaded', 1);
    assert.deepEqual([unchanged['cause'], unchanged['changed']], ['signal', false]);
    await replace(`${text}nonsense: 1\n`);
    const refused = await hup('reload_failed', 1);
    assert.match(JSON.stringify(refused['faults']), /relay\.yaml:\d+:1 nonsense: /);
    await replace(`${text}# changed\n`);
    await hup('reloaded', 2);
    assert.ok(named('reloaded').some((event) => event['changed'] === true));
    assert.equal(named('reloaded').at(-1)?.['hash'] === unchanged['hash'], false);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  },
);
