import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import type { Finding } from '../../../app/main/doctor/check.ts';
import { doctorCalls } from '../../../app/main/ipc/doctor-calls.ts';
import { findings } from '../../support/window-states.ts';

test('two windows’ worth of clicks run the checks once; the report is copied as the command prints it', async () => {
  const copied: string[] = [];
  let runs = 0;
  const calls = doctorCalls({
    async diagnose(): Promise<readonly Finding[]> {
      runs += 1;
      return findings;
    },
    copy: async (text) => void copied.push(text),
  });
  await assert.rejects(async () => calls.copyDiagnosis(), /Run the checks first/u);
  const [one, two] = await Promise.all([calls.diagnose(), calls.diagnose()]);
  assert.equal(runs, 1);
  assert.equal(one, two);
  assert.deepEqual(one.findings, findings);
  await calls.copyDiagnosis();
  await calls.diagnose();
  assert.equal(runs, 2);
  assert.match(copied[0] ?? '', /^ok {4}settings {4}no faults\n/u);
  assert.match(copied[0] ?? '', /\n\n1 ok, 1 warn, 1 fail, 1 skip\n$/u);
});

test('checks that fail to run can be run again', async () => {
  let isBroken = true;
  const calls = doctorCalls({
    diagnose: async () => {
      if (isBroken) throw new Error('no');
      return findings;
    },
    copy: () => Promise.resolve(),
  });
  await assert.rejects(async () => calls.diagnose(), /no/u);
  isBroken = false;
  assert.equal((await calls.diagnose()).findings.length, findings.length);
});

test('each profile is checked, and its own report copied under its name', async () => {
  const copied: string[] = [];
  const runs: string[] = [];
  const calls = doctorCalls({
    async diagnose(profile = 'the first'): Promise<readonly Finding[]> {
      runs.push(profile);
      if (profile === 'gone') throw new AgentError('unknown_profile', 'There is no profile gone.');
      return [{ name: 'relay-address', outcome: 'ok', detail: `https://${profile}.example` }];
    },
    copy: async (text) => void copied.push(text),
  });
  await calls.diagnose('acme');
  await assert.rejects(async () => calls.copyDiagnosis('globex'), /Run the checks first/u);
  await assert.rejects(async () => calls.copyDiagnosis(), /Run the checks first/u);
  await Promise.all([calls.diagnose('globex'), calls.diagnose('acme'), calls.diagnose('globex')]);
  assert.deepEqual(runs, ['acme', 'globex', 'acme']);
  await assert.rejects(async () => calls.diagnose('gone'), { code: 'unknown_profile' });
  await calls.copyDiagnosis('acme');
  await calls.copyDiagnosis('globex');
  assert.match(
    copied[0] ?? '',
    /^profile: acme\n\nok {4}relay-address {2}https:\/\/acme\.example\n/u,
  );
  assert.match(copied[1] ?? '', /^profile: globex\n\nok .*https:\/\/globex\.example\n/u);
});
