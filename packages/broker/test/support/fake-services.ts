import { type Codecs, type Logger, ManualClock, nodeCodecs, SeededRandom } from '@ottla/runtime';
import { DynamicConfig } from '../../src/config/dynamic/dynamic-config';
import { brokerConfig, type SettingName } from '../../src/config/schema';
import { Doubts } from '../../src/peers/doubts';
import type { BrokerServices, Groups } from '../../src/services';
import { FakeCluster, SELF } from './fake-cluster';

/** Keeps what is logged, as 'level: message'. */
export class LogLines implements Logger {
  readonly lines: string[] = [];

  error = (message: string): void => this.add('error', message);
  warn = (message: string): void => this.add('warn', message);
  info = (message: string): void => this.add('info', message);
  debug = (message: string): void => this.add('debug', message);
  child = (): Logger => this;

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  private add(level: string, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }
}

export interface FakeServices extends BrokerServices {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  readonly doubts: Doubts;
  readonly logger: LogLines;
}

export interface FakeServicesOptions {
  readonly cluster?: FakeCluster;
  readonly config?: Partial<Record<SettingName, unknown>>;
  readonly groups?: Groups;
  readonly forwarder?: BrokerServices['forwarder'];
  readonly producerIds?: BrokerServices['producerIds'];
  readonly codecs?: Codecs;
  readonly logDir?: BrokerServices['logDir'];
}

const noGroups: Groups = { handle: () => Promise.reject(new Error('this test has no groups')) };

const noForwarder: BrokerServices['forwarder'] = {
  forward: () => Promise.reject(new Error('this test forwards nothing')),
  untilQuiet: async () => {},
};

export function fakeServices(options: FakeServicesOptions = {}): FakeServices {
  const cluster = options.cluster ?? new FakeCluster();
  const clock = new ManualClock();
  let nextProducerId = 4000;
  const logger = new LogLines();
  const live = new DynamicConfig(brokerConfig({ 'node.id': SELF.broker, ...options.config }), logger);
  return {
    get config() {
      return live.in(cluster.image);
    },
    self: SELF,
    clusterId: 'test-cluster',
    clock,
    doubts: new Doubts(clock),
    forwarder: options.forwarder ?? noForwarder,
    random: new SeededRandom(1),
    logger,
    codecs: options.codecs ?? nodeCodecs,
    cluster,
    image: () => cluster.image,
    onImageChange: (listener) => cluster.onImageChange(listener),
    partitions: cluster,
    topics: cluster.topics,
    partitionAdmin: cluster.partitionAdmin,
    configs: cluster.configs,
    logDir: options.logDir ?? (async () => ({ path: '/data', failure: null, totalBytes: 100, usableBytes: 60 })),
    groups: options.groups ?? noGroups,
    producerIds: options.producerIds ?? { next: async () => ({ producerId: nextProducerId++, producerEpoch: 0 }) },
  };
}
