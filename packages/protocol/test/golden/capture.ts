import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiByKey, compressionOf, readBatchHeader, readRequest } from '../../src';
import { clients } from './clients';
import { type Exchange, RecordingProxy } from './recording-proxy';

/**
 * Drives clients that others wrote against Apache Kafka, through a recording proxy, and writes what went over the wire as
 * the fixtures in `frames/`. README.md says how to run it.
 */

/** From the repository's root, where this is run. */
const GOLDEN = 'packages/protocol/test/golden';
/** Larger frames are left out, to keep the fixtures small. */
const MAX_FRAME_BYTES = 2048;

/** What fixtures of one client, API and version are told apart by: the codec of what was produced. */
function variant(exchange: Exchange): string {
  const request = readRequest(exchange.request);
  if (request.name !== 'Produce') return '';
  const records = request.body.topicData[0]?.partitionData[0]?.records;
  return records ? ` ${compressionOf(readBatchHeader(records))}` : '';
}

/** One fixture a kind: the largest exchange that is small enough says most. */
function pick(exchanges: readonly Exchange[]): Map<string, Exchange> {
  const picked = new Map<string, Exchange>();
  for (const exchange of exchanges) {
    const api = apiByKey(exchange.request.readInt16BE(0));
    const version = exchange.request.readInt16BE(2);
    if (api === undefined || version > api.maxVersion || sizeOf(exchange) > MAX_FRAME_BYTES) continue;
    const name = `${api.name}/${exchange.client} v${version}${variant(exchange)}`;
    const known = picked.get(name);
    if (known === undefined || sizeOf(exchange) > sizeOf(known)) picked.set(name, exchange);
  }
  return picked;
}

function sizeOf({ request, response }: Exchange): number {
  return Math.max(request.length, response?.length ?? 0);
}

/** A file an API: a heading for each exchange, then its request and its response in hexadecimal. */
function writeFixtures(folder: string, exchanges: readonly Exchange[]): void {
  const files = new Map<string, string[]>();
  for (const [name, { request, response }] of [...pick(exchanges)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [api, kind] = name.split('/') as [string, string];
    const lines = files.get(api) ?? [];
    files.set(api, lines);
    lines.push(`# ${kind}`, `> ${request.toString('hex')}`);
    if (response !== null) lines.push(`< ${response.toString('hex')}`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [api, lines] of files) writeFileSync(join(folder, `${api}.txt`), `${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '19092' },
      upstream: { type: 'string', default: '127.0.0.1:29092' },
      classpath: { type: 'string', default: 'lib/*' },
      python: { type: 'string', default: 'python3' },
      clients: { type: 'string', default: Object.keys(clients).join(',') },
      out: { type: 'string', default: join(GOLDEN, 'frames') },
    },
  });
  const [host, port] = values.upstream.split(':') as [string, string];
  const proxy = new RecordingProxy({ host, port: Number(port) });
  await proxy.listen(Number(values.listen));
  const { classpath, python } = values;
  for (const [client, drive] of Object.entries(clients)) {
    if (!values.clients.split(',').includes(client)) continue;
    proxy.client = client;
    await drive({ bootstrap: `127.0.0.1:${values.listen}`, classpath, python });
    console.log(`${client}: ${proxy.exchanges.filter((exchange) => exchange.client === client).length} exchanges`);
  }
  proxy.close();
  writeFixtures(values.out, proxy.exchanges);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
