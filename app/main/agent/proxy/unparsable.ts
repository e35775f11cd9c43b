import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WireError } from '../../../../wire/errors.ts';
import { endWithAnswer } from '../../../../wire/last-words.ts';
import { problemBody, type ProblemError } from '../../../../wire/problem.ts';
import { AgentError } from '../errors.ts';

/** What node's parser throws. */
export interface ParserError extends Error {
  readonly code?: string;
  /** In the parser's words, which hold nothing of the request. */
  readonly reason?: string;
}

/**
 * Says what is wrong with a request that node's parser refused.
 *
 * @param error the parser's
 * @returns the refusal, `bad_request` where nothing says it better
 */
export function parserRefusal({ code, reason = 'not HTTP/1.1' }: ParserError): ProblemError {
  switch (code) {
    case 'HPE_INVALID_URL':
      return new WireError(
        'bad_request',
        'The URL holds a character that HTTP does not allow. Percent-encode what is not ASCII, and spaces; curl does it with -G --data-urlencode.',
      );
    case 'HPE_HEADER_OVERFLOW':
      return new AgentError(
        'headers_too_large',
        'The URL and the fields of the request are longer than 64 KB together. Send shorter ones.',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new WireError('too_large', 'The chunk extensions of the body are too long.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AgentError(
        'too_slow',
        'The fields of the request took longer than 10 seconds. Send the request again.',
      );
    default:
      return new WireError(
        'bad_request',
        `This is no request that can be read (${reason}). Send HTTP/1.1, by http:// and not https://.`,
      );
  }
}

/**
 * Answers where no request exists, on the connection itself, which then ends.
 *
 * @param socket the tool's; nothing is owed on it
 * @param problem the refusal
 * @param requestId a ULID
 * @returns the number of body bytes
 */
export function answerUnparsable(socket: Duplex, problem: ProblemError, requestId: string): number {
  const body = Buffer.from(problemBody(problem, requestId));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  endWithAnswer(socket, `${head.join('\r\n')}\r\n\r\n${body.toString('latin1')}`);
  return body.length;
}
