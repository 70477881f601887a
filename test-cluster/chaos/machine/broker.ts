import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OTTLA } from '../../harness/processes';
import { waitFor } from '../../harness/wait';
import { BrokerDisk } from './disk';
import type { ChaosStore } from './metadata-store';
import type { Host } from './network';
import { Service } from './service';

const START_DEADLINE_MS = 90_000;
/** Small, so that segments roll and recovery has more than one to look at. */
const SEGMENT_BYTES = 1 << 20;

/** One broker process with its config file, host and disk. */
export class ChaosBroker {
  readonly disk: BrokerDisk;
  private readonly service: Service;
  private readonly config: string;

  constructor(
    readonly id: number,
    readonly host: Host,
    dir: string,
    diskMegabytes: number,
    onCrash: (what: string) => void,
  ) {
    mkdirSync(join(dir, 'disk'), { recursive: true });
    this.disk = new BrokerDisk(join(dir, 'disk'), diskMegabytes);
    this.config = join(dir, 'config.json');
    this.service = new Service(`broker ${id}`, host, join(dir, 'broker.log'), onCrash);
  }

  get kafka(): string {
    return this.at(0);
  }

  get isRunning(): boolean {
    return this.service.isRunning;
  }

  writeConfig(cluster: { id: string; brokers: number; store: ChaosStore; storeKind: string }): void {
    const settings = {
      'node.id': this.id,
      'cluster.id': cluster.id,
      'cluster.expected.brokers': cluster.brokers,
      'log.dirs': this.disk.dataDir,
      listeners: `PLAINTEXT://${this.kafka}`,
      'grpc.listen': this.at(1),
      'peer.listen': this.at(2),
      'admin.listen': this.at(3),
      'metadata.store': cluster.storeKind,
      'metadata.store.endpoints': cluster.store.endpoint,
      'log.segment.bytes': SEGMENT_BYTES,
      'auto.create.topics.enable': false,
      'min.insync.replicas': 2,
      'offsets.topic.num.partitions': 4,
    };
    writeFileSync(this.config, `${JSON.stringify(settings, null, 2)}\n`);
  }

  /** Starts it again from its own config file, as an operator would; it serves when this resolves. */
  async start(): Promise<void> {
    this.spawn();
    await this.untilHealthy();
  }

  spawn(): void {
    this.service.start([process.execPath, OTTLA, 'broker', '--config', this.config]);
  }

  async untilHealthy(): Promise<void> {
    const url = `http://${this.at(3)}/healthz`;
    const ask = async (): Promise<'healthy' | 'ended' | null> => {
      if (!this.isRunning) return 'ended';
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok ? 'healthy' : null;
    };
    const answer = await waitFor(`broker ${this.id} to be healthy`, ask, START_DEADLINE_MS, 100);
    if (answer === 'ended') throw new Error(`broker ${this.id} ended before it was healthy`);
  }

  kill(): Promise<void> {
    return this.service.kill();
  }

  stop(): Promise<void> {
    return this.service.stop();
  }

  pause(): void {
    this.service.pause();
  }

  resume(): void {
    this.service.resume();
  }

  killNow(): void {
    this.service.killNow();
  }

  private at(offset: number): string {
    return `${this.host.address}:${this.host.port + offset}`;
  }
}
