import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One captured exchange: what a client sent and what Apache Kafka answered. */
export interface Fixture {
  readonly api: string;
  /** The client, the version, and the codec of what was produced. */
  readonly kind: string;
  readonly request: Uint8Array;
  readonly response: Uint8Array | null;
}

const FOLDER = join(__dirname, 'frames');

/** The captured exchanges, sorted by API. */
export function fixtures(): Fixture[] {
  return readdirSync(FOLDER).flatMap((file) =>
    parse(file.replace('.txt', ''), readFileSync(join(FOLDER, file), 'utf8')),
  );
}

function parse(api: string, text: string): Fixture[] {
  return text
    .split('# ')
    .filter((block) => block !== '')
    .map((block) => {
      const [kind, request, response] = block.trimEnd().split('\n') as [string, string, string | undefined];
      return { api, kind, request: bytesOf(request), response: response === undefined ? null : bytesOf(response) };
    });
}

function bytesOf(line: string): Uint8Array {
  return Uint8Array.from(Buffer.from(line.slice(2), 'hex'));
}
