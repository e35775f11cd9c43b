import { managerWords } from '../manager-words.ts';
import type { Check } from './check.ts';

/** Are the settings and IT's policy free of faults? */
export const settingsCheck: Check = {
  name: 'settings',
  todo: 'Correct the files named, then restart Latchkey; `latchkey policy` shows which values hold until then.',
  run({ settings }) {
    const { faults } = settings;
    const locked = settings.effective().filter((setting) => setting.locked).length;
    if (faults.length > 0) {
      const outcome = settings.graveFault === undefined ? 'warn' : 'fail';
      return { outcome, detail: faults.join(' | ') };
    }
    const policy = locked === 0 ? '' : `, ${locked} set by ${managerWords(settings)}`;
    return { outcome: 'ok', detail: `no faults${policy}` };
  },
};
