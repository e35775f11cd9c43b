import { AgentError } from '../agent/errors.ts';
import type { Finding } from '../doctor/check.ts';
import { doctorText } from '../doctor/doctor-text.ts';
import type { CallsOf, DiagnosisView } from './contract.ts';

/** What calls about the checks need of the outside. */
export interface DoctorDeps {
  /** Runs them; nothing is changed. */
  diagnose(): Promise<readonly Finding[]>;
  copy(text: string): Promise<void>;
}

/**
 * Makes the calls about the checks of `latchkey doctor`.
 *
 * @param deps the checks, the clipboard
 * @returns the calls by name; two at a time share one run
 */
export function doctorCalls(deps: DoctorDeps): CallsOf<'diagnose' | 'copyDiagnosis'> {
  let running: Promise<DiagnosisView> | undefined;
  let last: readonly Finding[] | undefined;

  async function run(): Promise<DiagnosisView> {
    try {
      last = await deps.diagnose();
      return { atMs: Date.now(), findings: last };
    } finally {
      running = undefined;
    }
  }

  return {
    diagnose: () => (running ??= run()),
    async copyDiagnosis() {
      if (last === undefined) throw new AgentError('bad_usage', 'Run the checks first.');
      await deps.copy(doctorText(last, false));
      return null;
    },
  };
}
