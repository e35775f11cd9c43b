import type { Check, CheckContext, Found } from './check.ts';

/** Is somebody signed in? Nobody's name and no token is told. */
export const sessionCheck: Check = {
  name: 'session',
  needs: ['app'],
  todo: 'Run `latchkey login`, or choose Sign in in the window.',
  run: checkSession,
};

function checkSession({ facts: { app }, now }: CheckContext): Found {
  if (!app) return { outcome: 'skip', detail: 'the app did not say' };
  const problem = app.fault === undefined ? '' : `: ${app.fault.code}`;
  switch (app.status) {
    case 'ready': {
      const kept =
        app.store === 'sealed' ? 'sealed by the system' : 'in memory until Latchkey ends';
      return {
        outcome: 'ok',
        detail: `signed in${endOf(app.expiresAtMs, now())}; session kept ${kept}`,
      };
    }
    case 'offline':
      return {
        outcome: 'fail',
        detail: `signed in, but offline${problem}`,
        todo: 'See the checks of the relay and the provider above; Latchkey tries again by itself.',
      };
    case 'signing-in':
      return {
        outcome: 'warn',
        detail: 'a sign-in is under way',
        todo: 'Finish it in the browser.',
      };
    case 'expired':
      return { outcome: 'warn', detail: `the provider ended the session${problem}` };
    case 'signed-out':
      return { outcome: 'warn', detail: `nobody is signed in${problem}` };
    default:
      return app.status satisfies never;
  }
}

function endOf(expiresAtMs: number | undefined, nowMs: number): string {
  if (expiresAtMs === undefined) return '';
  const minutes = Math.max(0, Math.round((expiresAtMs - nowMs) / 60_000));
  return `, the access token lasts ${minutes} more min and is renewed by itself`;
}
