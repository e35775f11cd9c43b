import type { AnySnapshot, ControlClient, LoginListeners } from '../main/agent/control/client.ts';
import { AgentError } from '../main/agent/errors.ts';
import type { ApiInfo } from '../main/agent/status.ts';
import { asAgentError, clientOf, parsed, type CommandIo } from './command-line.ts';
import { apisText, statusText } from './output.ts';
import { inProfile } from './profile-names.ts';
import { specs } from './specs.ts';

/**
 * `latchkey login`, `logout`, `status` and `apis`: asks the running Latchkey.
 *
 * @param name which of them
 * @param argv what follows it
 * @param io where to write, the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`, `not_running`, or what the agent refused with
 */
export async function runSession(
  name: 'login' | 'logout' | 'status' | 'apis',
  argv: readonly string[],
  io: CommandIo,
): Promise<number> {
  const values = parsed(argv, specs[name].options);
  const { json = false, profile } = values;
  const client = clientOf(values['data-dir'], io);
  const tell = (value: unknown, words: string): number => {
    io.out(json ? `${JSON.stringify(value)}\n` : words);
    return 0;
  };
  if (name === 'apis') {
    const apis = await allApis(client, profile, io);
    return tell(apis, apisText(apis));
  }
  if (name === 'login') {
    const isByDevice = 'device' in values && values.device === true;
    const snapshot = await client.login(listeners(isByDevice, json, io), profile);
    checkAccepted(snapshot);
    return tell(snapshot, statusText(snapshot));
  }
  if (name === 'logout') {
    const snapshot = await client.logout(profile);
    return tell(snapshot, statusText(snapshot));
  }
  const snapshot =
    profile === undefined ? await client.status() : await client.profileStatus(profile);
  return tell(snapshot, statusText(snapshot));
}

/** The provider may have signed somebody in whom the relay does not let in. */
function checkAccepted({ status, fault }: AnySnapshot): void {
  if (status !== 'expired') return;
  throw new AgentError(
    'session_expired',
    fault?.message ?? 'The session has ended. Sign in again.',
  );
}

function listeners(isByDevice: boolean, json: boolean, io: CommandIo): LoginListeners {
  const say = (event: object, words: string): void =>
    io.out(json ? `${JSON.stringify(event)}\n` : words);
  if (!isByDevice) {
    return {
      onUrl: (url) =>
        say(
          { event: 'sign-in-url', url },
          `Your browser opens this page; if it does not, open it yourself:\n${url}\n`,
        ),
    };
  }
  return {
    onCode: (code) =>
      say(
        { event: 'device-code', ...code },
        `On any device, open ${code.url}\nand enter the code ${code.userCode}\n`,
      ),
  };
}

/** With several profiles the APIs of all; one that cannot be asked is told, and does not hide the others. */
async function allApis(
  client: ControlClient,
  profile: string | undefined,
  io: CommandIo,
): Promise<readonly ApiInfo[]> {
  const { profiles } = await client.status();
  if (profiles === undefined) return client.apis(profile);
  if (profile !== undefined) return (await client.apis(profile)).map(inProfile(profile));
  const answers = await Promise.allSettled(profiles.map(({ name }) => client.apis(name)));
  const failures = answers.flatMap((answer, at) => {
    if (answer.status === 'fulfilled') return [];
    const error = asAgentError(answer.reason);
    return [{ error, words: `latchkey: ${profiles[at]?.name ?? ''}: ${error.message}\n` }];
  });
  const [first] = failures;
  if (first !== undefined && failures.length === profiles.length) throw first.error;
  failures.forEach(({ words }) => io.err(words));
  return answers.flatMap((answer, at) =>
    answer.status === 'fulfilled' ? answer.value.map(inProfile(profiles[at]?.name ?? '')) : [],
  );
}
