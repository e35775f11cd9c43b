import { readFile } from 'node:fs/promises';
import { METHODS } from 'node:http';
import { isIP } from 'node:net';
import { parseJsonObject } from '../auth/json.ts';
import { type Options, readOptions } from './options.ts';

type Members = Readonly<Record<string, unknown>>;

/** What `explain` is asked about. */
export interface Asked {
  /** The configuration's file. */
  readonly config: string;
  readonly method: string;
  readonly path: string;
  /** Where the request comes from. */
  readonly ip: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Who asks: claims as given, or the token that has them. */
  readonly subject:
    | { readonly kind: 'claims'; readonly claims: Members }
    | { readonly kind: 'token'; readonly token: string; readonly isOffline: boolean };
  readonly isJson: boolean;
}

const VALUES = ['config', 'claims', 'token-file', 'method', 'path', 'from', 'headers'];
const THIS_MACHINE = '127.0.0.1';

/** What is wrong with an option, for people. */
class BadOption extends Error {}

/**
 * Reads the options of `explain`, and the files that they name. An answer about a request that no tool could send
 * would be believed all the same, so whatever can't be one is refused.
 *
 * @param argv what follows the command's name
 * @returns what is asked, or what is wrong
 */
export async function readAsked(argv: readonly string[]): Promise<Asked | string> {
  const options = readWords(argv);
  if (typeof options === 'string') return options;
  try {
    return faultOf(options) ?? (await asked(options));
  } catch (error) {
    if (error instanceof BadOption) return error.message;
    throw error;
  }
}

function readWords(argv: readonly string[]): Options | string {
  try {
    return readOptions(argv, { values: VALUES, flags: ['json', 'offline'] });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function faultOf({ values, flags }: Options): string | undefined {
  const { method = '', path = '', from = THIS_MACHINE } = values;
  const name = ['config', 'method', 'path'].find((one) => values[one] === undefined);
  if (name !== undefined) return `--${name} is missing`;
  if (!METHODS.includes(method))
    return `--method ${method}: there is no such HTTP method; they are in capitals, such as GET`;
  if (!/^(?:\/|https?:\/\/)/i.test(path))
    return `--path ${path} must begin with /, or be an http URL`;
  if (isIP(from) === 0) return `--from ${from} is not an IP address`;
  if ((values['claims'] === undefined) === (values['token-file'] === undefined))
    return 'give either --claims or --token-file';
  if (flags.has('offline') && values['token-file'] === undefined)
    return '--offline is for --token-file; --claims needs no network';
  return undefined;
}

async function asked({ values, flags }: Options): Promise<Asked> {
  const { config = '', method = '', path = '', from = THIS_MACHINE, claims, headers } = values;
  const token = values['token-file'];
  return {
    config,
    method,
    path,
    ip: from,
    headers: headers === undefined ? [] : headersOf(headers, await readObject('headers', headers)),
    subject:
      claims === undefined
        ? { kind: 'token', token: await readToken(token ?? ''), isOffline: flags.has('offline') }
        : { kind: 'claims', claims: await readObject('claims', claims) },
    isJson: flags.has('json'),
  };
}

function headersOf(file: string, members: Members): readonly string[] {
  return Object.entries(members).flatMap(([name, value]) => {
    if (typeof value === 'string') return [name, value];
    throw new BadOption(`--headers ${file}: the value of ${name} must be a text`);
  });
}

async function readToken(file: string): Promise<string> {
  const token = (await readBytes('token-file', file)).toString().trim();
  if (token === '') throw new BadOption(`--token-file ${file} is empty`);
  return token;
}

async function readObject(option: string, file: string): Promise<Members> {
  // As tokens are read: of a member that is there twice, the relay would believe neither.
  const read = parseJsonObject(await readBytes(option, file));
  if (read.kind === 'object') return read.value;
  const fault = read.kind === 'refused' ? `can't be used: ${read.why}` : 'must hold a JSON object';
  throw new BadOption(`--${option} ${file} ${fault}`);
}

async function readBytes(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadOption(`--${option} ${file} can't be read: ${code}`, { cause: error });
  }
}
