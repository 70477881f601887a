import { OttlaError } from '@ottla/protocol';
import type {
  Clock,
  Logger,
  PeerHello,
  PeerNetwork,
  PeerStream,
  ReportedReplica,
  SessionHeartbeat,
  SessionReplicas,
  SessionReply,
  SessionRequest,
  Timer,
} from '@ottla/runtime';
import type { SessionView } from '../../core/controller-state';
import type { BrokerReport } from '../../core/restore/plan-generation';
import type { MembershipTimings } from '../../core/settings';
import type { ClusterView } from '../cluster-view';

type SessionStream = PeerStream<SessionReply, SessionRequest>;

export interface SessionServiceOptions {
  readonly view: ClusterView;
  readonly network: Pick<PeerNetwork, 'probe'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
  readonly controllerEpoch: number;
  /** A process was found dead. */
  readonly onRefused: () => void;
  /** A broker waits for a new generation, or has told all that it holds. */
  readonly onRestoreNews: () => void;
}

/** What a broker has told of its replicas, for the generation that it was asked for. */
interface Told {
  readonly generation: number;
  readonly replicas: ReportedReplica[];
  nextProducerId: number;
  complete: boolean;
}

interface Session {
  readonly run: string;
  readonly stream: SessionStream;
  heardAt: number;
  open: boolean;
  refused: boolean;
  probe: Timer | null;
  /** The generation that the broker waits to see exceeded; 0 when it waits for none. */
  exceededGeneration: number;
  told: Told | null;
}

/** Connects to a process that is just dying may still be accepted: ask again after so many milliseconds. */
const PROBE_DELAYS_MS = [0, 5, 10, 20, 40, 80, 160, 320];
const MAX_SESSIONS = 10_000;

/** The brokers' sessions with this controller, for one term. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  readonly #sessions = new Map<number, Session>();
  #closed = false;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  get views(): ReadonlyMap<number, SessionView> {
    return this.#sessions;
  }

  accept(hello: PeerHello, stream: SessionStream): void {
    const current = this.#sessions.get(hello.broker);
    const refusal = this.#refusal(hello, current);
    if (refusal !== null) return stream.close(refusal);
    const { clock, timings } = this.#options;
    current?.probe?.cancel();
    const heardAt = clock.now();
    const nothing = { probe: null, exceededGeneration: 0, told: null };
    const session: Session = { run: hello.run, stream, heardAt, open: true, refused: false, ...nothing };
    this.#sessions.set(hello.broker, session);
    stream.onMessage((request) => {
      if (request.type === 'heartbeat') this.#onHeartbeat(hello, session, request);
      else this.#onReplicas(session, request);
    });
    stream.onClose((error) => this.#onClose(hello, session, error));
    if (current?.open) current.stream.close();
    this.#options.logger.debug(`session of broker ${hello.broker} opened`, {
      run: hello.run,
      timeoutMs: timings.sessionTimeoutMs,
    });
  }

  /** The highest generation, `current` or above, that a broker waits to see exceeded; -1 when none does. */
  exceededGeneration(current: number): number {
    let highest = -1;
    for (const { open, exceededGeneration } of this.#sessions.values()) {
      if (open && exceededGeneration > 0 && exceededGeneration >= current)
        highest = Math.max(highest, exceededGeneration);
    }
    return highest;
  }

  /** Has every broker that hasn't been asked yet, in this session, stop its replicas and tell what they hold. */
  askForReplicas(generation: number): void {
    for (const session of this.#sessions.values()) {
      if (!session.open || session.told?.generation === generation) continue;
      session.told = { generation, replicas: [], nextProducerId: 0, complete: false };
      session.stream.send({ type: 'report-replicas', generation });
    }
  }

  /** What registered brokers have told completely, by broker. */
  reports(generation: number): Map<number, BrokerReport> {
    const found = new Map<number, BrokerReport>();
    for (const [broker, { run, told, open }] of this.#sessions) {
      const registered = this.#options.view.image.brokers.get(broker)?.value.run;
      if (!open || run !== registered || told?.generation !== generation || !told.complete) continue;
      found.set(broker, { run, replicas: told.replicas, nextProducerId: told.nextProducerId });
    }
    return found;
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions.values()) {
      session.probe?.cancel();
      if (!session.open) continue;
      session.stream.send({ type: 'not-controller' });
      session.stream.close();
    }
    this.#sessions.clear();
  }

  /** A process whose run isn't the registered one doesn't push out the session of the one that is. */
  #refusal(hello: PeerHello, current: Session | undefined): OttlaError | null {
    const registered = this.#options.view.image.brokers.get(hello.broker)?.value.run;
    if (current !== undefined && current.run === registered && hello.run !== registered) {
      return new OttlaError(
        'STALE_BROKER_EPOCH',
        `broker ${hello.broker} is registered in run ${registered}, not in run ${hello.run}`,
      );
    }
    if (current !== undefined || this.#sessions.size < MAX_SESSIONS) return null;
    return new OttlaError('BROKER_NOT_AVAILABLE', `the controller has ${MAX_SESSIONS} sessions already`);
  }

  #onReplicas({ told, open }: Session, part: SessionReplicas): void {
    if (!open || told === null || told.complete || told.generation !== part.generation) return;
    told.replicas.push(...part.replicas);
    told.nextProducerId = Math.max(told.nextProducerId, part.nextProducerId);
    told.complete = part.last;
    if (part.last) this.#options.onRestoreNews();
  }

  #onHeartbeat(hello: PeerHello, session: Session, request: SessionHeartbeat): void {
    if (!session.open || request.run !== hello.run || request.broker !== hello.broker) return;
    session.heardAt = this.#options.clock.now();
    session.refused = false;
    if (session.exceededGeneration !== request.exceededGeneration) {
      session.exceededGeneration = request.exceededGeneration;
      this.#options.onRestoreNews();
    }
    const { controllerEpoch } = this.#options;
    session.stream.send({ type: 'heartbeat-ack', sequence: request.sequence, controllerEpoch });
  }

  /** A stream that broke may mean that its process died, or only its connection. */
  #onClose(hello: PeerHello, session: Session, error: OttlaError | null): void {
    session.open = false;
    if (error === null) return;
    this.#options.logger.debug(`session of broker ${hello.broker} broke: ${error.message}`, { run: hello.run });
    this.#probeAfter(hello, session, 0);
  }

  #probeAfter(hello: PeerHello, session: Session, attempt: number): void {
    const delay = PROBE_DELAYS_MS[attempt];
    if (delay === undefined || !this.#isCurrent(hello, session)) return;
    if (delay === 0) return void this.#probe(hello, session, attempt);
    session.probe = this.#options.clock.after(delay, () => void this.#probe(hello, session, attempt));
  }

  async #probe(hello: PeerHello, session: Session, attempt: number): Promise<void> {
    const registration = this.#options.view.image.brokers.get(hello.broker)?.value;
    if (registration === undefined || registration.run !== hello.run) return;
    const answer = await this.#options.network.probe(registration.peer, this.#options.timings.probeTimeoutMs);
    this.#options.logger.debug(`probed broker ${hello.broker}: ${answer}`, { attempt });
    if (!this.#isCurrent(hello, session)) return;
    if (answer !== 'refused') return this.#probeAfter(hello, session, attempt + 1);
    session.refused = true;
    this.#options.onRefused();
  }

  #isCurrent(hello: PeerHello, session: Session): boolean {
    return !this.#closed && !session.open && this.#sessions.get(hello.broker) === session;
  }
}
