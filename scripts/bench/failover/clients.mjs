// The clients whose failover is measured, none of which this project wrote, and their settings.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { harnessModule } from '../../harness.mjs';

const { librdkafkaPython } = harnessModule('librdkafka');
const here = dirname(fileURLToPath(import.meta.url));

/** How a load of each client is started: program and arguments before the job. */
const PROGRAMS = {
  librdkafka: () => [librdkafkaPython(), join(here, 'load-librdkafka.py')],
  kafkajs: () => [process.execPath, join(here, 'load-kafkajs.mjs')],
};

/** `default` is what the client does when told nothing; `tuned` shortens its waits between attempts. */
export const SETTINGS = {
  librdkafka: {
    default: {},
    tuned: {
      'linger.ms': 0,
      'retry.backoff.ms': 10,
      'reconnect.backoff.ms': 10,
      'reconnect.backoff.max.ms': 100,
      'topic.metadata.refresh.fast.interval.ms': 10,
      // A client that is connected to one broker only has nobody to ask when that one dies.
      'enable.sparse.connections': false,
      // A process that is stopped keeps its connections: only time tells. By default a minute.
      'socket.timeout.ms': 3_000,
    },
  },
  kafkajs: {
    default: {},
    tuned: {
      connectionTimeout: 500,
      requestTimeout: 3_000,
      retry: { initialRetryTime: 20, maxRetryTime: 100, multiplier: 1.5, retries: 1000 },
      producer: {
        metadataMaxAge: 1_000,
        retry: { initialRetryTime: 20, maxRetryTime: 100, multiplier: 1.5, retries: 1000 },
      },
    },
  },
};

export const CLIENTS = Object.keys(SETTINGS);

export function programOf(client) {
  return PROGRAMS[client]();
}
