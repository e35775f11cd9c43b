import { ProblemError } from './problem.ts';

const kinds = {
  ambiguous_target: { status: 400, title: 'Ambiguous request target' },
  bad_request: { status: 400, title: 'Bad request' },
  method: { status: 405, title: 'Method not allowed' },
  too_large: { status: 413, title: 'Body too large' },
  url_too_long: { status: 414, title: 'URL too long' },
  upstream_unreachable: { status: 502, title: 'The upstream cannot be reached' },
  upstream_protocol: { status: 502, title: 'The upstream gave a bad answer' },
  upstream_timeout: { status: 504, title: 'The upstream did not answer in time' },
} as const;

/** The refusals that HTTP itself calls for; each side adds its own beside them. */
export type WireErrorCode = keyof typeof kinds;

/** A refusal or transport failure found by the wire layer. */
export class WireError extends ProblemError {
  declare readonly code: WireErrorCode;
  /** Of a failed exchange: whether bytes of the request may have reached the next hop. */
  sent?: boolean;
  /** Of a failed exchange: whether bytes of the client's body were read, so that they are gone. */
  bodyRead?: boolean;

  /**
   * @param code one of the closed list
   * @param detail what to do about it; public
   * @param options `cause` is kept for the log
   */
  constructor(code: WireErrorCode, detail: string, options?: ErrorOptions) {
    super({ code, ...kinds[code], detail }, options);
  }
}
