/** What came out of the bytes: a whole frame without its length, or the reason why no more frames can come. */
export type Framed =
  | { readonly type: 'frame'; readonly frame: Uint8Array }
  | { readonly type: 'foreign'; readonly protocol: ForeignProtocol; readonly bytes: Uint8Array }
  | { readonly type: 'malformed'; readonly reason: string };

/** What else is spoken to a Kafka port by mistake, told from the first bytes of a connection. */
export type ForeignProtocol = 'TLS' | 'HTTP/1' | 'HTTP/2';

/** A request header is 8 bytes at least: API key, version, correlation id. */
const MIN_FRAME_BYTES = 8;
/** A frame up to this size is allocated when its length is known; a larger one grows with what has really come. */
const TRUSTED_BYTES = 2 << 20;
const LENGTH_BYTES = 4;
const API_KEY_BYTES = 2;
const PRODUCE = 0;
/**
 * What a request without records may come to: room for tens of thousands of partitions, and little enough that decoding
 * and refusing the worst of it doesn't hold up everybody else.
 */
const MAX_OTHER_BYTES = 8 << 20;
const METHODS = new Set(['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'CONN', 'OPTI', 'TRAC', 'PATC']);

/**
 * Cuts a connection's bytes into Kafka frames: a length of four bytes, then as many. A frame that lies within one chunk
 * is given as a view of it; one that spans chunks is copied together, which is the only copy of a request's bytes.
 * After `foreign` or `malformed` nothing more is given.
 */
export class FrameParser {
  /** The length's bytes, then the frame's, while they are incomplete. */
  private readonly prefix = new Uint8Array(LENGTH_BYTES);
  private prefixBytes = 0;
  private frame: Buffer | null = null;
  private frameLength = 0;
  private frameBytes = 0;
  private frames = 0;
  private ended = false;

  constructor(private readonly options: { readonly maxFrameBytes: number }) {}

  /** Whether bytes of an incomplete frame have come. */
  get midFrame(): boolean {
    return this.prefixBytes > 0 && !this.ended;
  }

  push(chunk: Uint8Array): Framed[] {
    const out: Framed[] = [];
    let at = 0;
    while (at < chunk.length && !this.ended) {
      at = this.prefixBytes < LENGTH_BYTES ? this.takeLength(chunk, at, out) : this.takeFrame(chunk, at, out);
    }
    return out;
  }

  private takeLength(chunk: Uint8Array, at: number, out: Framed[]): number {
    const count = Math.min(LENGTH_BYTES - this.prefixBytes, chunk.length - at);
    this.prefix.set(chunk.subarray(at, at + count), this.prefixBytes);
    this.prefixBytes += count;
    if (this.prefixBytes < LENGTH_BYTES) return at + count;
    const length = new DataView(this.prefix.buffer).getInt32(0);
    const fault = this.faultOf(length, chunk.subarray(at + count));
    if (fault !== null) {
      this.ended = true;
      out.push(fault);
    }
    this.frameLength = length;
    this.frameBytes = 0;
    return at + count;
  }

  private takeFrame(chunk: Uint8Array, at: number, out: Framed[]): number {
    const count = Math.min(this.frameLength - this.frameBytes, chunk.length - at);
    const part = chunk.subarray(at, at + count);
    const whole = count === this.frameLength;
    if (!whole) this.append(part);
    const knewApi = this.frameBytes >= API_KEY_BYTES;
    this.frameBytes += count;
    if (!knewApi && this.frameBytes >= API_KEY_BYTES && this.isTooLarge(this.frame ?? part, out)) return chunk.length;
    if (this.frameBytes === this.frameLength) {
      out.push({ type: 'frame', frame: whole ? part : this.frame! });
      this.frame = null;
      this.prefixBytes = 0;
      this.frames += 1;
    }
    return at + count;
  }

  private isTooLarge(frame: Uint8Array, out: Framed[]): boolean {
    const apiKey = (frame[0]! << 8) | frame[1]!;
    if (apiKey === PRODUCE || this.frameLength <= MAX_OTHER_BYTES) return false;
    this.ended = true;
    this.frame = null;
    const what = `a request of ${this.frameLength} bytes with API key ${apiKey}`;
    out.push({
      type: 'malformed',
      reason: `${what} is over the limit of ${MAX_OTHER_BYTES} for all but Produce; split it`,
    });
    return true;
  }

  /** Copies into the frame's buffer, which grows by doubling: memory follows what came, not what a length claims. */
  private append(part: Uint8Array): void {
    const needed = this.frameBytes + part.length;
    if (this.frame === null || this.frame.length < needed) {
      const capacity = Math.min(this.frameLength, Math.max(TRUSTED_BYTES, needed, (this.frame?.length ?? 0) * 2));
      const grown = Buffer.allocUnsafeSlow(capacity);
      if (this.frame !== null) grown.set(this.frame.subarray(0, this.frameBytes));
      this.frame = grown;
    }
    this.frame.set(part, this.frameBytes);
  }

  private faultOf(length: number, rest: Uint8Array): Framed | null {
    const protocol = this.frames === 0 ? foreignProtocol(this.prefix) : null;
    if (protocol !== null) {
      const bytes = new Uint8Array(LENGTH_BYTES + rest.length);
      bytes.set(this.prefix);
      bytes.set(rest, LENGTH_BYTES);
      return { type: 'foreign', protocol, bytes };
    }
    if (length > this.options.maxFrameBytes) {
      const limit = `${this.options.maxFrameBytes} (socket.request.max.bytes)`;
      return { type: 'malformed', reason: `a request of ${length} bytes is over the limit of ${limit}` };
    }
    if (length < MIN_FRAME_BYTES)
      return { type: 'malformed', reason: `${length} is not the length of a Kafka request` };
    return null;
  }
}

/** Each of these reads as a length above any that `socket.request.max.bytes` can allow. */
function foreignProtocol(first: Uint8Array): ForeignProtocol | null {
  if (first[0] === 0x16 && first[1] === 0x03) return 'TLS';
  const text = String.fromCharCode(...first);
  if (text === 'PRI ') return 'HTTP/2';
  return METHODS.has(text) ? 'HTTP/1' : null;
}
