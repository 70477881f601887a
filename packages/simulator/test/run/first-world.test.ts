import { apis, encodeRequest, readResponse } from '@ottla/protocol';
import { type CreateWorkload, runSeed, type WorkloadWorld } from '@ottla/simulator';

const SEEDS = [1, 2, 3, 4, 5, 6];
/** Numbers of all faults. */
const EVERY_FAULT = new Set(Array.from({ length: 1_000 }, (_, index) => index));

/** Asks the first broker for a topic over the Kafka wire, as soon as it is there. */
const createsTopic: CreateWorkload = (world) => {
  let created: number | null = null;
  const start = (): void => {
    world.time.at(3_000, () => {
      void ask(world).then((code) => {
        created = code;
      });
    });
  };
  return {
    start,
    quiesce: () => {},
    unfinished: () => (created === null ? 'no answer to CreateTopics' : null),
    finish: () => (created === 0 ? [] : [{ invariant: 'test', at: 0, message: `error code ${created}` }]),
  };
};

async function ask({ tcpFor, bootstrap }: WorkloadWorld): Promise<number> {
  const [{ host, port } = { host: '', port: 0 }] = bootstrap();
  const connection = await tcpFor('client').connect(host, port, 1_000);
  const topics = [{ name: 'letters', numPartitions: 2, replicationFactor: -1, assignments: [], configs: [] }];
  const body = { topics, timeoutMs: 5_000, validateOnly: false };
  return new Promise((resolve, reject) => {
    connection.handle({
      data: (bytes) => resolve(readResponse(apis.CreateTopics, 5, bytes.subarray(4)).body.topics[0]!.errorCode),
      close: (error) => reject(error ?? new Error('closed')),
    });
    connection.write([encodeRequest(apis.CreateTopics, 5, 7, 'client', body)]);
  });
}

describe('a simulated cluster', () => {
  it.each(SEEDS)('of seed %i boots, makes a topic for a client of the Kafka port, and converges', async (seed) => {
    const parts = { draw: () => ({ items: [] }), create: createsTopic };
    const first = await runSeed({ seed, faultMs: 6_000, omit: EVERY_FAULT }, parts);
    expect(first.violations).toEqual([]);
    expect(first.counters.controllerChanges).toBeGreaterThan(0);
    const second = await runSeed({ seed, faultMs: 6_000, omit: EVERY_FAULT }, parts);
    expect(second.digest).toBe(first.digest);
  });
});
