import { join } from 'node:path';
import { EtcdStore, startEmbeddedStore } from '@ottla/metadata';
import type { OttlaError } from '@ottla/protocol';
import { type Logger, nodeClock, nodeDisk } from '@ottla/runtime';
import type { BrokerConfig } from '../../config/schema';
import type { OpenStore } from '../ports';

const NEVER = new Promise<OttlaError>(() => {});

/** The store that the configuration names; an embedded one without endpoints is started in this process. */
export async function openNodeStore(config: BrokerConfig, logger: Logger): Promise<OpenStore> {
  const clock = nodeClock;
  const endpoints = config['metadata.store.endpoints'].map(({ host, port }) => `${host}:${port}`);
  const requestTimeoutMs = config['metadata.store.request.timeout.ms'];
  if (endpoints.length > 0) {
    const store = new EtcdStore({ endpoints, clock, logger, requestTimeoutMs });
    return { store, failed: NEVER, close: () => store.close() };
  }
  const dir = config['metadata.store.dir'] ?? join(config['log.dirs'][0]!, 'metadata');
  const { host, port } = config['metadata.store.listen'];
  const embedded = await startEmbeddedStore({ dir, host, port, clock, disk: nodeDisk, logger });
  const store = new EtcdStore({ endpoints: [embedded.endpoint], clock, logger, requestTimeoutMs });
  const close = async (): Promise<void> => {
    await store.close();
    await embedded.close();
  };
  return { store, failed: embedded.failed, close };
}
