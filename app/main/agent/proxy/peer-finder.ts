/** Whose program is at the other end of a local connection. */
export type Verdict =
  | { readonly kind: 'own'; readonly uid?: number }
  | { readonly kind: 'other'; readonly uid: number }
  | {
      readonly kind: 'unknown';
      /** `left`: it closed before it was looked at; `unseen`: the system doesn't list it; `platform`: this system can't tell. */
      readonly why: 'left' | 'unseen' | 'platform';
    };

/** The program at the other end, as far as it is known. */
export interface PeerTool {
  /** The program's base name and, of an interpreter, its script's; never another argument. */
  readonly name?: string;
  readonly pid?: number;
}

/** The two ends of a connection, taken when it was accepted: a closed socket has forgotten them. */
export interface Ends {
  readonly near: { readonly address: string; readonly port: number };
  readonly far: { readonly address: string; readonly port: number };
  /** The inode of our own socket, where there is such a thing. */
  readonly inode: string | undefined;
  /** Whether our socket is gone, so that nobody waits for what is looked for. */
  readonly isOver: () => boolean;
}

/** What is looked up once for each connection; neither promise is ever rejected. */
export interface Finding {
  readonly verdict: Promise<Verdict>;
  readonly tool: Promise<PeerTool>;
}

/** Looks up the other end, in the way of one operating system. */
export type PeerFinder = (ends: Ends) => Finding;
