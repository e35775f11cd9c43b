import { clientOf, parsed, type CommandIo } from './command-line.ts';
import { apisText, statusText } from './output.ts';
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
  const json = values.json === true;
  const client = clientOf(values['data-dir'], io);
  const tell = (value: unknown, words: string): number => {
    io.out(json ? `${JSON.stringify(value)}\n` : words);
    return 0;
  };
  if (name === 'apis') {
    const apis = await client.apis();
    return tell(apis, apisText(apis));
  }
  if (name === 'login') {
    const snapshot = await client.login((url) => {
      if (json) io.out(`${JSON.stringify({ event: 'sign-in-url', url })}\n`);
      else io.out(`Your browser opens this page; if it does not, open it yourself:\n${url}\n`);
    });
    return tell(snapshot, statusText(snapshot));
  }
  const snapshot = name === 'logout' ? await client.logout() : await client.status();
  return tell(snapshot, statusText(snapshot));
}
