/** What `ottla up` tells its children, over Node's IPC channel. */
export type ToChild =
  /** The store serves: go. */
  | { readonly type: 'start' }
  /** Hand over, close and exit. */
  | { readonly type: 'stop' };

/** What a child tells `ottla up`. */
export type FromChild =
  | { readonly type: 'serving' }
  /** It can't go on, and exits. */
  | { readonly type: 'failed'; readonly message: string };

export function isFromChild(message: unknown): message is FromChild {
  const type = (message as { type?: unknown } | null)?.type;
  return type === 'serving' || type === 'failed';
}
