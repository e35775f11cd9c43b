import type { AgentErrorCode } from './errors.ts';
import type { Settings } from './settings/settings.ts';
import type { Fault } from './status.ts';
import { AgentError } from './errors.ts';
import { toFault } from './texts.ts';

/** Faults that no sign-in ends, only a corrected file and another start. */
export interface StandingFaults {
  /** @returns which fault a snapshot tells: one of these, or the profile's own */
  shown(own: Fault | undefined): Fault | undefined;
  /** The keys of tools cannot be read. */
  keysUnreadable(error: AgentError | undefined): void;
}

/** Without these nothing goes on at all: whatever the settings say comes later. */
const graver: ReadonlySet<AgentErrorCode> = new Set([
  'port_in_use',
  'already_running',
  'audit_unavailable',
]);

/**
 * Keeps the faults of files that are read once, at the start.
 *
 * @param settings as they hold
 * @param now epoch ms
 * @returns the faults; a policy that cannot be read explains most others, so that it goes before them
 */
export function createStandingFaults(
  settings: Pick<Settings, 'graveFault'>,
  now: () => number,
): StandingFaults {
  const ofSettings =
    settings.graveFault === undefined ? undefined : toFault(words(settings.graveFault), now());
  let ofKeys: Fault | undefined;
  return {
    shown(own) {
      if (own !== undefined && graver.has(own.code)) return own;
      return ofSettings ?? own ?? ofKeys;
    },
    keysUnreadable(error) {
      ofKeys = error && toFault(error, now());
    },
  };
}

function words(grave: string): AgentError {
  return new AgentError(
    'bad_settings',
    `The settings of this computer are not in order: ${grave}. Correct that file, then restart Latchkey; \`latchkey policy\` shows what holds until then.`,
  );
}
