import type { Check, CheckContext, Found } from './check.ts';

const muchMs = 30_000;
const tooMuchMs = 120_000;

/** Does this computer's clock agree with those that judge its tokens and proofs? */
export const clockCheck: Check = {
  name: 'clock',
  todo: 'Set this computer’s date and time automatically: sign-in proofs made with a wrong clock are refused.',
  run: checkClock,
};

function checkClock({ facts: { clocks } }: CheckContext): Found {
  if (clocks.length === 0) return { outcome: 'skip', detail: 'nobody told the time' };
  const worstMs = Math.max(...clocks.map(({ aheadMs }) => Math.abs(aheadMs)));
  const detail = clocks
    .map(({ of, aheadMs }) => {
      const seconds = Math.round(Math.abs(aheadMs) / 1000);
      if (seconds <= 1) return `agrees with ${of}`;
      return `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ${of}`;
    })
    .join(', ');
  if (worstMs > tooMuchMs) return { outcome: 'fail', detail };
  return { outcome: worstMs > muchMs ? 'warn' : 'ok', detail };
}
