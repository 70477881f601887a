import { apis, encodeRequest } from '@ottla/protocol';
import { nodeCodecs, nodeTcp, SeededRandom } from '@ottla/runtime';
import { fixtures } from '../../../protocol/test/golden/fixtures';
import { KafkaConnection } from '../../src/doors/kafka/connection';
import { Dispatcher } from '../../src/doors/kafka/dispatch';
import { KafkaDoor } from '../../src/doors/kafka/kafka-door';
import { GroupHost } from '../../src/groups/group-host';
import { brokerApis } from '../../src/handlers/registry';
import { FakeCluster } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';
import { MemoryTcp } from '../support/memory-tcp';
import { RawClient } from '../support/raw-client';

const GOLDEN = fixtures().map((fixture) => fixture.request);
const LIMITS = {
  maxFrameBytes: 1 << 20,
  maxInflightRequests: 10,
  maxInflightBytes: 1 << 20,
  maxSendBacklogBytes: 1 << 20,
};

function services(): FakeServices & { host: GroupHost } {
  const cluster = new FakeCluster();
  cluster.addTopic('__consumer_offsets', [1, 1], { internal: true });
  cluster.addTopic('t', [1, 1]);
  const fake = fakeServices({ cluster });
  const tracker = {
    get image() {
      return cluster.image;
    },
    onChange: () => () => {},
  };
  const host = new GroupHost({ ...fake, tracker, codecs: nodeCodecs });
  return { ...fake, groups: host, host };
}

function framed(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** A request of a real client with something wrong with it. */
function mutated(random: SeededRandom): Uint8Array {
  const bytes = Buffer.from(framed(GOLDEN[random.below(GOLDEN.length)]!));
  const at = random.below(bytes.length);
  switch (random.below(8)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes, random.bytes(random.below(30))]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), framed(GOLDEN[random.below(GOLDEN.length)]!)]);
    case 4:
      return random.bytes(1 + random.below(200));
    default: {
      // Behind the length, so that the body is looked at.
      for (let count = 1 + random.below(4); count > 0; count--) {
        bytes[4 + random.below(bytes.length - 4)] =
          random.below(2) === 0 ? random.below(256) : [0, 255, 127, 128][random.below(4)]!;
      }
      return bytes;
    }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('garbage', () => {
  it('4,000 spoilt requests of real clients: no error that nobody expected, and every connection can be closed', async () => {
    const random = new SeededRandom(20);
    const fake = services();
    const dispatcher = new Dispatcher(brokerApis(), fake);
    let open = 0;
    for (let round = 0; round < 4000; round++) {
      const tcp = new MemoryTcp();
      const connection = new KafkaConnection({
        tcp,
        listener: 'PLAINTEXT',
        limits: LIMITS,
        clock: fake.clock,
        logger: fake.logger,
        answer: (frame, from) => dispatcher.answer(frame, from),
        onForeign: (_protocol, _bytes, from) => {
          from.endBecause('foreign');
          return null;
        },
        onClosed: () => {
          open -= 1;
        },
      });
      open += 1;
      connection.start();
      tcp.receive(mutated(random));
      if (round % 10 === 0) await turn();
      tcp.destroy();
    }
    await turn();
    expect(open).toBe(0);
    expect(fake.logger.matching(/^error/)).toEqual([]);
    fake.host.close();
  });

  it('300 spoilt connections to a real port: the next good client is served', async () => {
    const random = new SeededRandom(21);
    const fake = services();
    const door = await KafkaDoor.open({
      network: nodeTcp,
      listener: { name: 'PLAINTEXT', host: '127.0.0.1', port: 0 },
      services: fake,
    });
    for (let round = 0; round < 300; round++) {
      const bad = await RawClient.open(door.port);
      const bytes = mutated(random);
      const cut = random.below(bytes.length + 1);
      bad.send(bytes.subarray(0, cut));
      bad.send(bytes.subarray(cut));
      if (random.below(2) === 0) bad.socket.end();
      await turn();
      if (random.below(3) > 0) bad.close();
      else bad.socket.resetAndDestroy();
    }
    const good = await RawClient.open(door.port);
    good.send(
      encodeRequest(apis.ApiVersions, 3, 1, 'good', { clientSoftwareName: 'good', clientSoftwareVersion: '1' }),
    );
    expect(await good.next()).not.toBeNull();
    expect(fake.logger.matching(/^error/)).toEqual([]);
    good.close();
    const closing = door.close(1000);
    fake.clock.advance(1000);
    await closing;
    fake.host.close();
  });
});
