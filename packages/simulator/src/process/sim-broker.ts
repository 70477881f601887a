import { type BrokerPorts, brokerConfig, type RunningBroker, startBrokerOn } from '@ottla/broker';
import type { ControllerEvent } from '@ottla/controller';
import type { MetadataStore } from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type { DoorHandlers } from '@ottla/rpc';
import type { Codecs, Logger, Random } from '@ottla/runtime';
import type { SimDisk } from '../disk/sim-disk';
import type { Network } from '../network/network';
import { type ClockError, ProcessClock } from '../time/process-clock';
import type { SimTime } from '../time/sim-time';
import { Life } from './life';
import { simPorts } from './sim-ports';

type ConfigValues = Parameters<typeof brokerConfig>[0];

/** What all brokers of a run share. */
export interface BrokerSurroundings {
  readonly time: SimTime;
  readonly network: Network;
  readonly codecs: Codecs;
  openStore(broker: SimBroker, life: Life, clock: ProcessClock, logger: Logger): MetadataStore;
  logger(broker: SimBroker, life: Life): Logger;
  trace(line: string): void;
  onControllerEvent(broker: SimBroker, event: ControllerEvent): void;
}

export interface SimBrokerOptions {
  readonly id: number;
  readonly host: string;
  readonly disk: SimDisk;
  readonly random: Random;
  readonly clockError: ClockError;
  readonly config: ConfigValues;
  /** How long after it ended by itself a process is started again. */
  readonly restartMs: number;
}

/** A broker's machine, with its disk and its clock, and the processes that run on it one after the other. */
export class SimBroker {
  readonly id: number;
  readonly host: string;
  readonly disk: SimDisk;
  readonly clockError: ClockError;
  life: Life | null = null;
  /** Null until it serves. */
  running: RunningBroker | null = null;
  door: DoorHandlers | null = null;
  /** Replicas that this process has said it took offline: an operator is to start it again. */
  offlineReplicas = 0;
  private bootId: string;
  private bootedAt = 0;
  private starts = 0;
  /** Which start served last. */
  lastServed = 0;
  private stopping = false;

  constructor(
    private readonly around: BrokerSurroundings,
    private readonly options: SimBrokerOptions,
  ) {
    this.id = options.id;
    this.host = options.host;
    this.disk = options.disk;
    this.clockError = options.clockError;
    this.bootId = options.random.uuid();
  }

  get name(): string {
    return `b${this.id}`;
  }

  get alive(): boolean {
    return this.life !== null && !this.life.dead;
  }

  /** Processes that have been started here. */
  get startsSoFar(): number {
    return this.starts;
  }

  /** Starts the process; does nothing while one runs, or the machine is down. */
  start(): void {
    if (this.alive || !this.around.network.machine(this.host).up) return;
    const { around, options } = this;
    const life = new Life(around.time, `${this.name}.${++this.starts}`);
    this.life = life;
    this.stopping = false;
    this.offlineReplicas = 0;
    around.trace(`${this.name} starts`);
    const logger = around.logger(this, life);
    startBrokerOn(this.ports(life, logger), brokerConfig(options.config), logger).then(
      (running) => this.onServing(life, running),
      (error) => this.onStartFailed(life, error),
    );
  }

  /** kill -9. */
  kill(): void {
    if (!this.alive) return;
    this.disk.kill();
    this.end('process');
  }

  /** The machine loses power: it is down until `boot`. */
  crashMachine(): void {
    this.disk.crash();
    this.around.network.setUp(this.host, false);
    if (this.alive) this.end('machine');
    this.bootId = this.options.random.uuid();
  }

  boot(): void {
    const { network, time } = this.around;
    if (network.machine(this.host).up) return;
    this.bootedAt = time.now();
    network.setUp(this.host, true);
  }

  /** SIGTERM: hands over and leaves; started again `downMs` later. */
  stop(downMs: number): void {
    const { life, running } = this;
    if (life === null || running === null || this.stopping) return;
    this.stopping = true;
    this.around.trace(`${this.name} is told to stop`);
    life.run(() => void running.close().then(() => this.exit(life, 'stopped', downMs)));
  }

  private end(how: 'process' | 'machine'): void {
    this.life?.end(how);
    this.running = null;
    this.door = null;
  }

  private ports(life: Life, logger: Logger): BrokerPorts {
    const { around, options } = this;
    const clock = new ProcessClock(around.time, life, this.clockError, this.bootedAt);
    return simPorts({
      life,
      host: this.host,
      clock,
      random: options.random,
      disk: this.disk.mount(life),
      codecs: around.codecs,
      network: around.network,
      bootId: this.bootId,
      openStore: () => around.openStore(this, life, clock, logger),
      onDoor: (handlers) => {
        if (this.life === life) this.door = handlers;
      },
      onControllerEvent: (event) => around.onControllerEvent(this, event),
    });
  }

  private onServing(life: Life, running: RunningBroker): void {
    if (life.dead) return;
    this.running = running;
    this.lastServed = this.starts;
    this.around.trace(`${this.name} serves`);
    void running.failed.then(async (error) => {
      this.around.trace(`${this.name} can't go on: ${error.message}`);
      this.stopping = true;
      await running.close();
      this.exit(life, 'failed');
    });
  }

  private onStartFailed(life: Life, error: unknown): void {
    this.around.trace(`${this.name} didn't start: ${toOttlaError(error).message}`);
    this.exit(life, 'start failed');
  }

  /** The process ends by itself; somebody starts it again. */
  private exit(life: Life, why: string, downMs = this.options.restartMs): void {
    if (life.dead) return;
    this.around.trace(`${this.name} exits: ${why}`);
    this.disk.kill();
    this.end('process');
    this.around.time.after(downMs, () => this.start());
  }
}
