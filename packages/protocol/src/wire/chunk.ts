/** An opaque range of a file that whoever owns the socket sends without reading it into memory (sendfile). */
export interface FileRegion {
  readonly byteLength: number;
}

/** A piece of an outgoing frame: bytes in memory, or a range of a file. */
export type Chunk = Uint8Array | FileRegion;

/** Record batches as a writer takes them; they are passed through uncopied. */
export type RecordsInput = readonly Chunk[] | Uint8Array | null;
