import type { Ending, Life } from '../process/life';
import type { SimTime } from '../time/sim-time';
import type { Link } from './link';

/** What one end tells its process. */
export interface PipeHandlers<T> {
  item(item: T): void;
  /** The other side will send no more. */
  fin(): void;
  /** The connection broke; nothing comes after this. */
  reset(reason: string): void;
}

type Packet<T> =
  | { readonly type: 'item'; readonly item: T; readonly bytes: number }
  | { readonly type: 'fin' }
  | { readonly type: 'reset' };

/** What both ends of a connection stand on. */
export interface PipeGround {
  readonly time: SimTime;
  /** Whether packets pass now. */
  passable(link: Link): boolean;
}

/**
 * One end of a connection between two processes, which carries items in order. The kernel below outlives the process: it
 * closes or resets what a dead process had open, unless the machine died with it. A kernel that gets a packet of a
 * connection it doesn't know answers with a reset.
 */
export class PipeEnd<Out, In> {
  other!: PipeEnd<In, Out>;
  private handlers: PipeHandlers<In> | null = null;
  /** Arrived, and not yet taken by the process. */
  private readonly arrived: Exclude<Packet<In>, { type: 'reset' }>[] = [];
  /** Sent, and not yet arrived. */
  private readonly sent: Packet<Out>[] = [];
  private stalled = false;
  /** Grows at each stall: arrivals planned before it are void. */
  private attempt = 0;
  private lastArrival = 0;
  private gone = false;
  private finSent = false;
  private reading = true;
  private unacknowledged = 0;
  private watch: { readonly bytes: number; readonly callback: () => void } | null = null;

  constructor(
    private readonly ground: PipeGround,
    readonly life: Life,
    private readonly link: Link,
  ) {
    life.onEnd((how) => this.onLifeEnded(how));
  }

  /** Bytes sent and not yet taken by the other process. */
  get unacknowledgedBytes(): number {
    return this.unacknowledged;
  }

  get open(): boolean {
    return !this.gone;
  }

  /** A sign of life asked for now would come back: packets pass both ways, and the other process isn't paused or gone. */
  get answers(): boolean {
    const { other, ground } = this;
    return ground.passable(this.link) && ground.passable(other.link) && other.open && !other.life.paused;
  }

  /** Starts delivery; what came before is delivered first. */
  handle(handlers: PipeHandlers<In>): void {
    this.handlers = handlers;
    this.takeArrived();
  }

  send(item: Out, bytes: number): void {
    if (this.gone || this.finSent) return;
    this.unacknowledged += bytes;
    this.put({ type: 'item', item, bytes });
  }

  /** Sends no more. */
  fin(): void {
    if (this.gone || this.finSent) return;
    this.finSent = true;
    this.put({ type: 'fin' });
  }

  /** Both sides have sent all: nothing more is heard or told. */
  close(): void {
    this.gone = true;
  }

  /** Breaks the connection: this end hears no more, the other one is told. */
  reset(): void {
    if (this.gone) return;
    this.gone = true;
    this.putReset();
  }

  /** Something between breaks the connection; each end hears of it at once. */
  breakBoth(): void {
    this.fail('connection reset');
    this.other.fail('connection reset');
  }

  /** Calls back once when at most so many bytes are unacknowledged. */
  whenAcknowledged(bytes: number, callback: () => void): void {
    this.watch = { bytes, callback };
  }

  /** Stops or continues delivery; what the kernel buffers stays unacknowledged. */
  setReading(reading: boolean): void {
    this.reading = reading;
    if (reading) this.takeArrived();
  }

  private onLifeEnded(how: Ending): void {
    if (this.gone) return;
    this.gone = true;
    if (how === 'machine') return;
    // A reset where something was left unread, else an orderly end.
    if (this.link.coin()) this.putReset();
    else if (!this.finSent) this.put({ type: 'fin' });
  }

  private fail(reason: string): void {
    if (this.gone) return;
    this.gone = true;
    this.life.run(() => this.handlers?.reset(reason));
  }

  private putReset(): void {
    this.sent.length = 0;
    this.attempt++;
    this.stalled = false;
    this.put({ type: 'reset' });
  }

  private put(packet: Packet<Out>): void {
    this.sent.push(packet);
    if (!this.stalled) this.planArrival();
  }

  private planArrival(): void {
    const { time } = this.ground;
    const { attempt } = this;
    this.lastArrival = Math.max(this.lastArrival, time.now() + this.link.latency());
    time.at(this.lastArrival, () => {
      if (attempt === this.attempt) this.arrive();
    });
  }

  private arrive(): void {
    if (!this.ground.passable(this.link)) return this.stall();
    const packet = this.sent.shift();
    if (packet !== undefined) this.other.receive(packet);
  }

  /** Everything sent waits, and is sent again when packets pass. */
  private stall(): void {
    this.stalled = true;
    this.attempt++;
    const { attempt } = this;
    this.link.whenPassable(() => {
      this.ground.time.after(this.link.recovery(), () => {
        if (attempt !== this.attempt) return;
        this.stalled = false;
        for (let left = this.sent.length; left > 0; left--) this.planArrival();
      });
    });
  }

  private receive(packet: Packet<In>): void {
    if (this.gone) {
      if (packet.type === 'item') this.putReset();
      return;
    }
    if (packet.type === 'reset') {
      this.gone = true;
      this.life.run(() => this.handlers?.reset('connection reset by peer'));
      return;
    }
    this.arrived.push(packet);
    this.takeArrived();
  }

  private takeArrived(): void {
    if (this.handlers === null || !this.reading || this.arrived.length === 0) return;
    this.life.run(() => {
      if (this.gone || !this.reading) return;
      const packet = this.arrived.shift();
      if (packet === undefined) return;
      if (packet.type === 'fin') this.handlers!.fin();
      else {
        this.other.onTaken(packet.bytes);
        this.handlers!.item(packet.item);
      }
      this.takeArrived();
    });
  }

  private onTaken(bytes: number): void {
    this.unacknowledged -= bytes;
    const { watch } = this;
    if (watch === null || this.unacknowledged > watch.bytes) return;
    this.watch = null;
    this.ground.time.after(0, () => this.life.run(() => this.open && watch.callback()));
  }
}
