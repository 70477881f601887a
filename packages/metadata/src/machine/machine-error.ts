export type MachineErrorKind =
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'lease-exists'
  | 'lease-ttl-too-large'
  | 'too-many-operations'
  | 'request-too-large'
  | 'duplicate-key'
  | 'empty-key'
  | 'key-not-found'
  | 'value-provided'
  | 'lease-provided';

/** A request the store refuses; nothing was changed. */
export class MachineError extends Error {
  constructor(
    readonly kind: MachineErrorKind,
    message: string,
    /** Oldest revision that can be read, for `compacted`. */
    readonly compactRevision = 0,
  ) {
    super(message);
    this.name = 'MachineError';
  }
}
