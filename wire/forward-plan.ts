import type { KeptAnswer } from './answer.ts';
import type { Framing } from './framing.ts';
import type { HeaderList } from './headers.ts';
import type { KeptBody } from './kept-body.ts';
import type { NextHop } from './next-hop.ts';

/** Who or what ended an exchange. */
export type ClosedBy =
  'client' | 'upstream' | 'relay' | 'expiry' | 'revocation' | 'drain' | 'error';

/** What ends an answer that has begun. */
export type AnswerProblem = 'upstream_protocol' | 'upstream_timeout';

/** Something under way that can be ended from outside. */
export interface Cuttable {
  /** Whether the client has the head of its answer. */
  hasBegun(): boolean;
  cut(by: ClosedBy): void;
}

/** An entry among what is under way; it is ended by whoever made it. */
export interface Registration {
  end(): void;
}

/** Hears how a body comes in. */
export interface UploadWatch {
  progress(bytes: number): void;
  /** Whether the client may not send, since the upstream takes no more. */
  held(isHeld: boolean): void;
  end(): void;
}

/** Begins to watch a body; what it is given ends the exchange. */
export type WatchUpload = (cut: (error: Error) => void) => UploadWatch;

/** One request, ready to be sent on. */
export interface ForwardPlan {
  readonly hop: NextHop;
  readonly method: string;
  /** Canonical path and query, exactly the bytes to send. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly framing: Framing;
  readonly maxBodyBytes: number;
  readonly timeouts: {
    readonly connectMs: number;
    /** From the last body byte sent to the first byte of the answer. */
    readonly headersMs: number;
    /** Longest silence within an answer; event streams may be silent as long as they like. */
    readonly idleMs: number;
    /** Of the whole exchange; absent: none. */
    readonly totalMs?: number;
  };
  /** Builds the answer's fields from the upstream's. */
  readonly answer: (status: number, raw: HeaderList) => HeaderList;
  /**
   * Looks at the answer before the client sees it; `true` keeps it back, and `forward` resolves
   * `intercepted`. Asked only while the request can be sent again: it has no body, or `kept` holds
   * all that came of it.
   */
  readonly intercept?: (status: number, raw: HeaderList) => boolean;
  /** Tell by folded name which trailers go no further, beyond those that never do. */
  readonly dropTrailer?: (foldedName: string) => boolean;
  readonly dropAnswerTrailer?: (foldedName: string) => boolean;
  /** Keeps the body as it is sent; the same for each try of a request. */
  readonly kept?: KeptBody;
  /** Watches the client's body, where there is one. */
  readonly watchUpload?: WatchUpload;
  /** Hands out a way to end the exchange from outside. */
  readonly register?: (exchange: Cuttable) => Registration;
}

/** How an exchange ended once the upstream had answered. */
export type ForwardResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
      /** Absent when the whole answer was delivered; `upstream` when that broke it off. */
      readonly cutBy?: ClosedBy;
      /** How the upstream broke it off. */
      readonly problem?: AnswerProblem;
    }
  | {
      readonly kind: 'intercepted';
      readonly status: number;
      readonly bytesIn: number;
      readonly answer: KeptAnswer;
    };
