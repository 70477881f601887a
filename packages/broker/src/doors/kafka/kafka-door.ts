import { apis, type MetadataResponse } from '@ottla/protocol';
import type { TcpConnection, TcpHandlers, TcpListener, TcpNetwork, Timer } from '@ottla/runtime';
import type { ListenerAddress } from '../../config/kinds';
import type { BrokerConfig } from '../../config/schema';
import { type ApiRegistry, brokerApis } from '../../handlers/registry';
import type { BrokerServices } from '../../services';
import { ArrivalWatch } from './arrival-watch';
import { type ConnectionLimits, KafkaConnection } from './connection';
import { Dispatcher, type Exchange } from './dispatch';
import { FOREIGN_SENTENCES, HandedOverConnection, HTTP_REFUSAL } from './foreign';
import type { ForeignProtocol } from './frame-parser';

export interface KafkaDoorOptions {
  readonly network: TcpNetwork;
  readonly listener: ListenerAddress;
  readonly services: BrokerServices;
  /** Default: every API that a broker serves. */
  readonly registry?: ApiRegistry;
  /** Takes connections that open with HTTP/2's preface, such as gRPC's; without it they are closed. */
  readonly onForeignConnection?: (connection: TcpConnection, firstBytes: Uint8Array) => void;
  /** Told of each response, for metrics. */
  readonly onResponse?: (exchange: Exchange) => void;
}

const REPEATED_LOG_MS = 10_000;
const SWEEPS_PER_IDLE_TIME = 4;
const MAX_SWEEP_INTERVAL_MS = 30_000;

/** A listener for Kafka clients, and its connections. */
export class KafkaDoor {
  readonly listener: string;
  private readonly config: BrokerConfig;
  private readonly limits: ConnectionLimits;
  private readonly connected = new Set<KafkaConnection>();
  private readonly dispatcher: Dispatcher;
  private readonly arrivals: ArrivalWatch;
  private tcpListener: TcpListener | null = null;
  private sweepTimer: Timer | null = null;
  private closing = false;
  private onEmpty: (() => void) | null = null;
  private quietUntil = 0;

  private constructor(private readonly options: KafkaDoorOptions) {
    const { services, listener, registry = brokerApis(), onResponse } = options;
    this.config = services.config;
    this.limits = limitsOf(services.config);
    this.listener = listener.name;
    this.arrivals = new ArrivalWatch({ broker: services.self.broker, clock: services.clock, logger: services.logger });
    this.dispatcher = new Dispatcher(registry, services, {
      onRequest: (connection, apiKey) => this.arrivals.onRequest(connection, apiKey),
      onResponse: (connection, exchange) => {
        if (exchange.apiKey === apis.Metadata.key) {
          this.arrivals.onMetadata(connection, exchange.body as MetadataResponse);
        }
        onResponse?.(exchange);
      },
    });
  }

  /** Rejects with INVALID_CONFIG when the address can't be listened on. */
  static async open(options: KafkaDoorOptions): Promise<KafkaDoor> {
    const door = new KafkaDoor(options);
    const { host, port } = options.listener;
    door.tcpListener = await options.network.listen(
      { host, port },
      (tcp) => door.accept(tcp),
      (error) => door.complain(`a connection could not be accepted: ${error.message}`),
    );
    door.sweep();
    return door;
  }

  /** The port bound, also when 0 was asked for. */
  get port(): number {
    return this.tcpListener!.port;
  }

  get connections(): number {
    return this.connected.size;
  }

  /** Takes no more connections or requests, lets what is under way be answered for at most `timeoutMs`, and closes. */
  async close(timeoutMs: number): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.sweepTimer?.cancel();
    this.arrivals.close();
    for (const connection of this.connected) connection.drain();
    await this.whenEmpty(timeoutMs);
    await this.tcpListener!.close();
  }

  private accept(tcp: TcpConnection): void {
    if (this.closing) return tcp.destroy();
    const most = this.options.services.config['max.connections'];
    if (this.connected.size >= most) {
      this.complain(`${tcp.remoteAddress} was refused: max.connections, ${most}, are open`);
      return tcp.destroy();
    }
    const { clock, logger } = this.options.services;
    const connection = new KafkaConnection({
      tcp,
      listener: this.listener,
      limits: this.limits,
      clock,
      logger,
      answer: (frame, from) => this.dispatcher.answer(frame, from),
      onForeign: (protocol, bytes, from) => this.onForeign(protocol, bytes, from),
      onClosed: (closed) => this.onClosed(closed),
    });
    this.connected.add(connection);
    connection.start();
  }

  private onForeign(protocol: ForeignProtocol, bytes: Uint8Array, connection: KafkaConnection): TcpHandlers | null {
    const takeOver = this.options.onForeignConnection;
    if (protocol === 'HTTP/2' && takeOver !== undefined) {
      const handedOver = new HandedOverConnection(connection.tcp, bytes);
      takeOver(handedOver, bytes);
      return handedOver.events;
    }
    if (protocol === 'HTTP/1') connection.tcp.write([HTTP_REFUSAL]);
    connection.endBecause(FOREIGN_SENTENCES[protocol]);
    return null;
  }

  private onClosed(connection: KafkaConnection): void {
    this.connected.delete(connection);
    if (this.connected.size === 0) this.onEmpty?.();
  }

  private whenEmpty(timeoutMs: number): Promise<void> {
    if (this.connected.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.options.services.clock.after(timeoutMs, resolve);
      this.onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Closes connections that have been idle for too long. */
  private sweep(): void {
    const { clock } = this.options.services;
    const idleMs = this.config['connections.max.idle.ms'];
    const now = clock.now();
    for (const connection of this.connected) {
      if (connection.measureIdle(now) >= idleMs) connection.endIdle(idleMs);
    }
    const interval = Math.min(idleMs / SWEEPS_PER_IDLE_TIME, MAX_SWEEP_INTERVAL_MS);
    this.sweepTimer = clock.after(interval, () => this.sweep());
  }

  /** Warns, but not more often than every few seconds: what a flood of connections causes must not flood the log. */
  private complain(sentence: string): void {
    const { clock, logger } = this.options.services;
    if (clock.now() < this.quietUntil) return;
    this.quietUntil = clock.now() + REPEATED_LOG_MS;
    logger.warn(sentence, { listener: this.listener });
  }
}

function limitsOf(config: BrokerConfig): ConnectionLimits {
  return {
    maxFrameBytes: config['socket.request.max.bytes'],
    maxInflightRequests: config['socket.inflight.max.requests'],
    maxInflightBytes: config['socket.inflight.max.bytes'],
    maxSendBacklogBytes: config['socket.send.backlog.max.bytes'],
  };
}
