import { ProblemError } from '../../../wire/problem.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
  readonly retryAfterSeconds?: number;
}

const kinds = {
  // guard
  foreign_host: { status: 403, title: 'Foreign host' },
  foreign_origin: { status: 403, title: 'Foreign origin' },
  other_user: { status: 403, title: 'Another user' },
  tool_key: { status: 403, title: 'Tool key' },
  loop: { status: 508, title: 'Loop' },
  // proxy
  signed_out: { status: 401, title: 'Signed out', retryAfterSeconds: 30 },
  unknown_api: { status: 404, title: 'No such API' },
  unknown_profile: { status: 404, title: 'No such profile' },
  method: { status: 405, title: 'Method not allowed' },
  ambiguous_target: { status: 400, title: 'Ambiguous request target' },
  bad_request: { status: 400, title: 'Bad request' },
  headers_too_large: { status: 431, title: 'Headers too large' },
  too_slow: { status: 408, title: 'Too slow' },
  relay_unreachable: { status: 502, title: 'The relay cannot be reached', retryAfterSeconds: 5 },
  relay_protocol: { status: 502, title: 'The relay gave a bad answer' },
  relay_timeout: { status: 504, title: 'The relay did not answer in time' },
  audit_unavailable: {
    status: 503,
    title: 'The local audit cannot be written',
    retryAfterSeconds: 5,
  },
  // sign-in and session
  not_a_relay: { status: 502, title: 'Not a Latchkey relay' },
  no_desktop_client: { status: 502, title: 'The relay offers no sign-in' },
  provider_unreachable: {
    status: 502,
    title: 'The identity provider cannot be reached',
    retryAfterSeconds: 5,
  },
  provider_protocol: { status: 502, title: 'The identity provider gave a bad answer' },
  provider_refused: { status: 401, title: 'The identity provider refused' },
  consent_refused: { status: 401, title: 'Access was refused in the browser' },
  sign_in_timeout: { status: 401, title: 'The sign-in was not finished in time' },
  sign_in_cancelled: { status: 401, title: 'The sign-in was cancelled' },
  callback_port: { status: 500, title: 'No port for the sign-in answer' },
  session_expired: { status: 401, title: 'The session has expired', retryAfterSeconds: 30 },
  step_up: { status: 401, title: 'Confirm that it is you', retryAfterSeconds: 30 },
  other_person: { status: 401, title: 'Somebody else signed in' },
  // life
  port_in_use: { status: 500, title: 'The local port is taken' },
  already_running: { status: 409, title: 'Latchkey is already running' },
  not_running: { status: 503, title: 'Latchkey is not running' },
  bad_settings: { status: 500, title: 'Bad settings' },
  unknown_key: { status: 404, title: 'No such key' },
  key_exists: { status: 409, title: 'There is such a key' },
  bad_usage: { status: 400, title: 'Bad usage' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, Kind>;

/** Every code that the app may show or answer with. */
export type AgentErrorCode = keyof typeof kinds;

/** A refusal or fault of the app; caught once at each edge (port, control socket, IPC, CLI). */
export class AgentError extends ProblemError {
  declare readonly code: AgentErrorCode;

  /**
   * @param code one of the closed list
   * @param detail what happened and what to do next, for people; never a secret
   * @param options `cause` is kept for the log; `retryAfterSeconds` where it is known better than by the code
   */
  constructor(
    code: AgentErrorCode,
    detail: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    const kind: Kind = kinds[code];
    const { status, title } = kind;
    const { retryAfterSeconds = kind.retryAfterSeconds } = options;
    super({ code, status, title, detail, retryAfterSeconds }, options);
  }
}
