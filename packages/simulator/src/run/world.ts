import type { BrokerServices } from '@ottla/broker';
import type { ControllerEvent } from '@ottla/controller';
import { EtcdStore } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { type Logger, nodeCodecs } from '@ottla/runtime';
import { Fencings } from '../checkers/fencings';
import { StoreHistory } from '../checkers/store/store-history';
import { SimDisk } from '../disk/sim-disk';
import { Actions } from '../faults/actions';
import { Network } from '../network/network';
import { SimTcp } from '../network/sim-tcp';
import { Life } from '../process/life';
import { SimBroker } from '../process/sim-broker';
import { memberConnection } from '../store/member-connection';
import { SimStore, STORE_HOST, STORE_PORT } from '../store/sim-store';
import { ProcessClock, WALL_ORIGIN_MS } from '../time/process-clock';
import type { SimTime } from '../time/sim-time';
import type { RandomStreams } from '../time/streams';
import { Counters } from './counters';
import type { Violation } from './result';
import type { ClusterPlan } from './topology';
import type { Trace } from './trace';

export const KAFKA_PORT = 9092;
export const GRPC_PORT = 9192;
const PEER_PORT = 9292;
const ADMIN_PORT = 9392;
/** For so long a controller that was wrong about a run goes by its silence alone. */
const DISTRUST_MS = 600_000;
/** What a broker says of a replica that it can't go on with. */
const OFFLINE = /replica taken offline|the replica stays offline/;
/** A supervisor starts a process that ended by itself again. */
const RESTART_MS = 500;

/** Everything that exists in one run: machines, what they are connected by, the store, and what has been noticed. */
export class World {
  readonly network: Network;
  readonly store: SimStore;
  readonly brokers: ReadonlyMap<number, SimBroker>;
  readonly counters = new Counters();
  readonly actions = new Actions(this);
  readonly violations: Violation[] = [];
  private readonly clients = new Map<string, Life>();
  private readonly storeHistory: StoreHistory;
  private readonly fencings: Fencings;

  constructor(
    readonly time: SimTime,
    readonly streams: RandomStreams,
    readonly plan: ClusterPlan,
    readonly trace: Trace,
  ) {
    this.network = new Network(time, streams.of('network'), () => plan.link);
    this.store = new SimStore(time, this.network, streams.of('store'), plan.store);
    this.brokers = new Map(plan.brokers.map((id) => [id, this.createBroker(id)]));
    this.storeHistory = new StoreHistory(String(plan.settings['cluster.id']));
    this.fencings = new Fencings(DISTRUST_MS, (broker) => this.storeHistory.lastGone(broker));
    this.checkStore(this.storeHistory);
  }

  violation(violation: Violation): void {
    this.violations.push(violation);
    this.trace.line(`VIOLATION ${violation.invariant}: ${violation.message}`);
  }

  /** The life of a client's machine, which never ends. */
  client(name: string): Life {
    let life = this.clients.get(name);
    if (life === undefined) {
      life = new Life(this.time, name);
      this.clients.set(name, life);
    }
    return life;
  }

  clientTcp(name: string): SimTcp {
    return new SimTcp(this.network, this.client(name), name);
  }

  clientClock(name: string): ProcessClock {
    return new ProcessClock(this.time, this.client(name), { rate: 1, wallOffsetMs: 0 });
  }

  live(id: number): BrokerServices | null {
    const broker = this.brokers.get(id);
    return broker?.running != null && broker.alive && broker.life?.paused === false ? broker.running.services : null;
  }

  private createBroker(id: number): SimBroker {
    const { time, plan, streams, trace } = this;
    const random = streams.of(`broker ${id}`);
    const clockError = { ...plan.clocks.get(id)! };
    const wall = (): number => Math.floor(WALL_ORIGIN_MS + time.now() + clockError.wallOffsetMs);
    const disk = new SimDisk(time, streams.of(`disk ${id}`), plan.diskSpeed, wall);
    const host = `b${id}`;
    return new SimBroker(
      {
        ...{ time, network: this.network, codecs: nodeCodecs },
        openStore: (_broker, life, clock, logger) => this.openStore(host, life, clock, logger),
        logger: (broker) =>
          trace.logger(broker.name, (message, fields) => {
            this.counters.onLog(message);
            if (fields?.cause === 'InvariantViolation') {
              this.violation({ invariant: '0 assertion', at: time.now(), message: `${broker.name}: ${message}` });
            }
            if (OFFLINE.test(message)) broker.offlineReplicas++;
          }),
        trace: (line) => trace.line(line),
        onControllerEvent: (broker, event) => this.onControllerEvent(broker, event),
      },
      {
        ...{ id, host, disk, random, clockError },
        restartMs: RESTART_MS,
        config: {
          ...plan.settings,
          'node.id': id,
          'broker.rack': plan.racks.get(id) ?? null,
          listeners: `PLAINTEXT://${host}:${KAFKA_PORT}`,
          'grpc.listen': `${host}:${GRPC_PORT}`,
          'peer.listen': `${host}:${PEER_PORT}`,
          'admin.listen': `${host}:${ADMIN_PORT}`,
        },
      },
    );
  }

  /** All machines, those of clients too. */
  hosts(): readonly string[] {
    return this.network.hosts();
  }

  /** Production's client of etcd, with only gRPC replaced. */
  private openStore(host: string, life: Life, clock: ProcessClock, logger: Logger): EtcdStore {
    const address = { host: STORE_HOST, port: STORE_PORT };
    const requestTimeoutMs = Number(this.plan.settings['metadata.store.request.timeout.ms']);
    const connect = (endpoint: string) =>
      memberConnection(endpoint, { network: this.network, life, clock, host, address });
    return new EtcdStore({ endpoints: [`${STORE_HOST}:${STORE_PORT}`], clock, logger, requestTimeoutMs, connect });
  }

  private checkStore(history: StoreHistory): void {
    this.store.listen({
      onRevision: (revision) => {
        for (const violation of history.onRevision(revision)) this.violation(violation);
      },
      onRefused: (_writer, key) => {
        if (key.includes('/partitions/')) this.counters.add('isrRacesLost');
      },
      onRestored: (_at, _revision, entries) => history.onRestored(entries),
    });
  }

  private onControllerEvent(broker: SimBroker, event: ControllerEvent): void {
    this.trace.line(`${broker.name} controller ${JSON.stringify(event)}`);
    this.counters.onControllerEvent(event);
    const process = broker.life?.name ?? broker.name;
    for (const violation of this.fencings.onEvent(this.time.now(), process, event)) this.violation(violation);
  }

  internalError(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const code = error instanceof OttlaError ? `${error.code} ` : '';
    this.violation({ invariant: '0 internal', at: this.time.now(), message: `nobody caught: ${code}${message}` });
  }
}
