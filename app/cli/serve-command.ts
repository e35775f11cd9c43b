import { runAgent, type AgentOptions } from './agent-command.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { specs } from './specs.ts';
import { badUsage } from './usage.ts';
import { readVersion } from './version.ts';

/**
 * `latchkey agent`: reads its command line and runs the agent until a signal.
 *
 * @param argv what follows `agent`
 * @param io where to write, the environment
 * @returns the exit code
 * @throws {AgentError} `bad_usage`, or what keeps the agent from starting
 */
export async function runServe(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = parsed(argv, specs.agent.options);
  const signIn = signInOf(values);
  if (values.relay !== undefined && values.profile !== undefined)
    throw badUsage('--relay and --profile both say which relay: use one of them');
  const options = {
    dataDir: dirOf(values['data-dir'], io),
    version: readVersion(),
    relay: values.relay,
    profile: values.profile,
    port: values.port === undefined ? undefined : portOf(values.port),
    browser: values['no-browser'] !== true,
    signIn,
  };
  return runAgent(options, { json: true, out: io.out, err: io.err });
}

/** How to sign in; by the browser as a rule. */
function signInOf(values: {
  readonly device?: boolean;
  readonly 'client-key'?: string;
  readonly 'client-id'?: string;
  readonly issuer?: string;
}): AgentOptions['signIn'] {
  const { device = false, 'client-key': keyFile, 'client-id': clientId, issuer } = values;
  if (keyFile === undefined) {
    if (clientId !== undefined || issuer !== undefined)
      throw badUsage('--client-id and --issuer go with --client-key');
    return device ? { kind: 'device' } : undefined;
  }
  if (device) throw badUsage('--device is for people, --client-key for machines: use one of them');
  if (clientId === undefined) throw badUsage('--client-key needs --client-id');
  return { kind: 'machine', keyFile, clientId, ...(issuer === undefined ? {} : { issuer }) };
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw badUsage('--port must be a number from 0 to 65535');
}
