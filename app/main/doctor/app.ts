import type { IncomingMessage } from 'node:http';
import type { Check, CheckContext, Found } from './check.ts';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { controlAddress, controlVersion, versionHeader } from '../agent/control/address.ts';

const profileState = z.object({
  status: z.enum(['signed-out', 'signing-in', 'ready', 'offline', 'expired']),
  store: z.enum(['sealed', 'memory']),
  relay: z.string().optional(),
  localUrl: z.string().optional(),
  expiresAtMs: z.number().optional(),
  fault: z.object({ code: z.string(), message: z.string() }).optional(),
  apis: z.array(z.unknown()),
  user: z
    .object({ subject: z.string(), name: z.string().optional(), email: z.string().optional() })
    .optional(),
});
const appState = profileState.extend({
  version: z.string(),
  profiles: z.array(profileState.extend({ name: z.string() })).optional(),
});

/** What the running app says of itself. */
export type AppState = z.infer<typeof appState>;

/** Is the app running, and does it speak this command's version? */
export const appCheck: Check = {
  name: 'app',
  todo: 'Restart Latchkey, then run `latchkey doctor` again.',
  run: checkApp,
};

async function checkApp(context: CheckContext): Promise<Found> {
  let response: IncomingMessage;
  try {
    response = await askApp(context, '/status');
  } catch (error) {
    return unreachable(error);
  }
  const spoken = String(response.headers[versionHeader] ?? 'none');
  const body = await text(response);
  if (spoken !== controlVersion) {
    return {
      outcome: 'fail',
      detail: `another version is running (control version ${spoken}, this command speaks ${controlVersion})`,
    };
  }
  const app = appState.safeParse(response.statusCode === 200 ? parsed(body) : undefined);
  if (!app.success) return { outcome: 'fail', detail: 'Latchkey is running and answers nonsense' };
  const facts = { app: about(app.data, context) };
  if (app.data.version === context.version) {
    return { outcome: 'ok', detail: `Latchkey ${app.data.version} is running`, facts };
  }
  return {
    outcome: 'warn',
    detail: `Latchkey ${app.data.version} is running, this command is ${context.version}`,
    facts,
  };
}

/** What it says of the one profile that is asked about. */
function about(app: AppState, { profile }: CheckContext): AppState {
  const one = app.profiles?.find(({ name }) => name === profile?.name);
  return one === undefined ? app : { ...one, version: app.version };
}

/**
 * Asks the running app, without the control client: its calls wait longer than a check may.
 *
 * @param context whose app, and for how long
 * @param path of the control socket
 * @returns the answer, not read yet
 */
export function askApp(
  { dataDir, signal }: Pick<CheckContext, 'dataDir' | 'signal'>,
  path: string,
): Promise<IncomingMessage> {
  const socketPath = controlAddress(dataDir);
  return new Promise((resolve, reject) => {
    const headers = { [versionHeader]: controlVersion, host: 'control' };
    const request = httpRequest({ socketPath, path, agent: false, headers, signal });
    request.once('error', reject);
    request.once('response', resolve);
    request.end();
  });
}

function unreachable(error: unknown): Found {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return { outcome: 'fail', detail: 'Latchkey is not running', todo: start };
  if (code === 'ECONNREFUSED') {
    const detail = 'Latchkey is not running; it was ended without a chance to clean up';
    return { outcome: 'fail', detail, todo: start };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      outcome: 'fail',
      detail: 'this data directory belongs to another user of this computer',
      todo: 'Choose your own with --data-dir or LATCHKEY_DATA_DIR.',
    };
  }
  throw error;
}

const start = 'Start the app, or run `latchkey agent --relay https://…`.';

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
