/** What a new tool key shall be. */
export interface NewToolKeyView {
  readonly name: string;
  /** As {@link ToolKeysView.apis} names them; every API when left out. */
  readonly apis?: readonly string[];
  /** In upper case; every method when left out. */
  readonly methods?: readonly string[];
  readonly readOnly?: boolean;
  /** In ms; without end when left out. */
  readonly expiresInMs?: number;
}

/** A tool key without its secret. */
export interface ToolKeyView extends Omit<NewToolKeyView, 'expiresInMs'> {
  readonly id: string;
  /** RFC 3339, as the times below. */
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
  readonly lastTool?: string;
  /** Lent to one run of `latchkey run`. */
  readonly lent?: boolean;
}

/** All tool keys, and what the window needs to make another. */
export interface ToolKeysView {
  /** When it was so, in epoch ms. */
  readonly atMs: number;
  readonly keys: readonly ToolKeyView[];
  /** Whether a tool without a key is refused, and whether IT wants it so. */
  readonly required: boolean;
  readonly requiredByPolicy: boolean;
  /** What a key can be limited to. */
  readonly apis: readonly { readonly name: string; readonly title: string }[];
}

/** A new key and its secret: the one thing that the window gets once and never again. */
export interface MadeToolKeyView {
  readonly key: ToolKeyView;
  readonly secret: string;
  /** A command line with the secret in it. */
  readonly curl: string;
}

/** What of a new key goes to the clipboard. */
export type KeyCopyKind = 'secret' | 'curl';
