import { AgentError } from '../agent/errors.ts';
import type { Finding } from '../doctor/check.ts';
import { doctorText } from '../doctor/doctor-text.ts';
import type { CallsOf, DiagnosisView } from './contract.ts';

/** What calls about the checks need of the outside. */
export interface DoctorDeps {
  /**
   * Runs them; nothing is changed.
   *
   * @param profile whose relay and session they are about; the first one's without a name
   * @throws {AgentError} `unknown_profile`
   */
  diagnose(profile?: string): Promise<readonly Finding[]>;
  copy(text: string): Promise<void>;
}

/**
 * Makes the calls about the checks of `latchkey doctor`.
 *
 * @param deps the checks, the clipboard
 * @returns the calls by name; two at a time about the same profile share one run
 */
export function doctorCalls(deps: DoctorDeps): CallsOf<'diagnose' | 'copyDiagnosis'> {
  const running = new Map<string | undefined, Promise<DiagnosisView>>();
  const last = new Map<string | undefined, readonly Finding[]>();

  async function run(profile: string | undefined): Promise<DiagnosisView> {
    const findings = await deps.diagnose(profile);
    last.set(profile, findings);
    return { atMs: Date.now(), findings };
  }

  return {
    diagnose(profile) {
      const shared = running.get(profile);
      if (shared !== undefined) return shared;
      const begun = run(profile).finally(() => running.delete(profile));
      running.set(profile, begun);
      return begun;
    },
    async copyDiagnosis(profile) {
      const findings = last.get(profile);
      if (findings === undefined) throw new AgentError('bad_usage', 'Run the checks first.');
      const whose = profile === undefined ? '' : `profile: ${profile}\n\n`;
      await deps.copy(`${whose}${doctorText(findings, false)}`);
      return null;
    },
  };
}
