import { createResponseParser, type ResponseParser } from '../../wire/response-parser.ts';
import { ResponseError, type ResponseHead } from '../../wire/response-head.ts';

/** What the parser on the wire made of an answer; bytes as latin1. */
export interface ParserRun {
  readonly interims: readonly ResponseHead[];
  readonly head: ResponseHead | undefined;
  readonly body: string;
  /** There once the answer was reported as complete. */
  readonly trailers: readonly string[] | undefined;
  /** All that came behind a switch of protocols. */
  readonly tunnel: string | undefined;
  readonly refused: boolean;
  /** Reports out of turn, errors of other kinds, too long a body. */
  readonly faults: readonly string[];
}

/** What was asked on the connection. */
export interface ParserQuestion {
  readonly method: string;
  readonly upgrade: boolean;
  readonly closed: boolean;
}

const readBuffer = Buffer.alloc(256 * 1024);

/** As the pool's sockets do it: each read lies where the one before lay. */
function pushAs(parser: ResponseParser, piece: string): void {
  const bytes = readBuffer.write(piece, 0, 'latin1');
  try {
    parser.push(readBuffer.subarray(0, bytes));
  } finally {
    readBuffer.fill('!', 0, bytes);
  }
}

/**
 * Feeds an answer to the parser on the wire.
 *
 * @param pieces the reads, latin1
 * @param question what it is to
 * @param parser one that has ended an answer, or a new one
 * @returns what it reported
 */
export function runParser(
  pieces: readonly string[],
  question: ParserQuestion,
  parser: ResponseParser = createResponseParser(),
): ParserRun {
  const interims: ResponseHead[] = [];
  const faults: string[] = [];
  let head: ResponseHead | undefined;
  let body = '';
  let trailers: readonly string[] | undefined;
  let tunnel: string | undefined;
  let refused = false;
  const isOver = (): boolean => trailers !== undefined || tunnel !== undefined || refused;
  const told = (what: string, isInTurn: boolean): void => {
    if (!isInTurn || isOver()) faults.push(`${what} out of turn`);
  };

  function attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof ResponseError)) faults.push(`it throws ${String(error)}`);
      refused = true;
    }
  }

  parser.expect(question, {
    interim(given) {
      told('interim', head === undefined);
      interims.push(given);
    },
    head(given) {
      told('head', head === undefined);
      head = given;
    },
    body(piece) {
      told('body', head !== undefined);
      body += piece.toString('latin1');
      if (typeof head?.body === 'number' && body.length > head.body)
        faults.push('more body than was told');
    },
    end(given) {
      told('end', head !== undefined);
      trailers = given;
    },
    upgraded(given, early) {
      told('upgraded', head === undefined);
      head = given;
      tunnel = early.toString('latin1');
    },
  });
  for (const piece of pieces) {
    if (refused) break;
    // Whoever switched has taken the socket from the parser.
    if (tunnel === undefined) attempt(() => pushAs(parser, piece));
    else tunnel += piece;
  }
  if (question.closed && tunnel === undefined && !refused) attempt(() => parser.finish());
  return { interims, head, body, trailers, tunnel, refused, faults };
}

/**
 * Sends more behind an answer's end.
 *
 * @param pieces of the answer, which ends with the last one
 * @param question what it is to
 * @param more what nobody asked for
 * @returns what is wrong: it must be refused, and reported to nobody
 */
export function runBeyond(
  pieces: readonly string[],
  question: ParserQuestion,
  more: string,
): readonly string[] {
  const parser = createResponseParser();
  const { trailers, faults } = runParser(pieces, { ...question, closed: false }, parser);
  if (trailers === undefined) return [];
  let fault: string | undefined = 'it takes bytes behind the end';
  try {
    pushAs(parser, more);
  } catch (error) {
    fault = error instanceof ResponseError ? undefined : `it throws ${String(error)}`;
  }
  // Its reader goes on filling the list: what it is told after the end is in it, too.
  return fault === undefined ? faults : [...faults, fault];
}
