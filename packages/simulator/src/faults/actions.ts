import type { MachineSnapshot } from '@ottla/metadata';
import type { Network, SynPolicy } from '../network/network';
import type { SimBroker } from '../process/sim-broker';
import { type SimStore, STORE_HOST } from '../store/sim-store';
import type { SimTime } from '../time/sim-time';

/** What there is to be broken. */
export interface Breakable {
  readonly time: SimTime;
  readonly network: Network;
  readonly store: SimStore;
  readonly brokers: ReadonlyMap<number, SimBroker>;
  readonly trace: { line(text: string): void };
  readonly counters: { add(name: string): void };
  /** All machines, those of clients too. */
  hosts(): readonly string[];
}

const RESTART_MS = 100;

/** Everything that can be done to a run. Each thing done to something ends by itself after a time, or at the end of the faults. */
export class Actions {
  /** What is still to be undone. */
  private readonly undo = new Set<() => void>();
  private healed = false;
  private restoring = false;
  private readonly rotten = new Set<number>();

  constructor(private readonly world: Breakable) {}

  /** kill -9; started again after `downMs`. */
  kill(id: number, downMs: number): void {
    const broker = this.broker(id);
    this.world.trace.line(`${broker.name} is killed`);
    broker.kill();
    this.startAfter(id, downMs);
  }

  /** SIGTERM; started again `downMs` after it has left. */
  stop(id: number, downMs: number): void {
    this.broker(id).stop(downMs);
  }

  /** The machine loses power, and what wasn't synced. */
  crashMachine(id: number, downMs: number): void {
    const broker = this.broker(id);
    this.world.trace.line(`${broker.name} loses its machine`);
    broker.crashMachine();
    this.lasting(downMs, () => {
      broker.boot();
      broker.start();
    });
  }

  /** The process is killed and started again on an empty disk. */
  emptyDisk(id: number, downMs: number): void {
    const broker = this.broker(id);
    this.world.trace.line(`${broker.name} is killed, and its disk replaced`);
    broker.kill();
    broker.disk.replace();
    this.startAfter(id, downMs);
  }

  /**
   * What is on the disk now is put back `laterMs` later: with the machine down for it, or under the running kernel. (The
   * latter only when a later process has served since: a copy put back within the run in which it was made looks like
   * what that run left, and nothing could tell.)
   */
  oldDisk(id: number, laterMs: number, downMs: number): void {
    const broker = this.broker(id);
    const image = broker.disk.memory.image();
    const { startsSoFar } = broker;
    this.lasting(laterMs, () => {
      if (this.healed) return;
      const sameBoot = laterMs % 2 === 0 && broker.lastServed > startsSoFar;
      const how = sameBoot ? 'is killed' : 'goes down';
      this.world.trace.line(`${broker.name} ${how}, and its disk is put back to what it was ${laterMs} ms ago`);
      if (sameBoot) broker.kill();
      else broker.crashMachine();
      broker.disk.putBack(image);
      this.lasting(downMs, () => {
        broker.boot();
        broker.start();
      });
    });
  }

  /** A byte of an old segment changes on the disk; an operator replaces that disk when the faults are over. */
  rot(id: number, where: number): void {
    const { disk, name } = this.broker(id);
    const old = disk.oldSegments();
    const path = old[where % Math.max(1, old.length)];
    if (path === undefined) return;
    this.world.trace.line(`${name}: a byte of ${path} changes`);
    disk.rot(path, where);
    this.rotten.add(id);
  }

  pause(id: number, ms: number): void {
    const broker = this.broker(id);
    const { life } = broker;
    if (life === null || life.dead) return;
    this.world.trace.line(`${broker.name} is stopped for ${ms} ms`);
    life.pause();
    this.lasting(ms, () => {
      this.world.trace.line(`${broker.name} goes on`);
      life.resume();
    });
  }

  /** The wall clock jumps; it stays there. */
  jumpClock(id: number, ms: number): void {
    this.world.trace.line(`b${id}'s wall clock jumps by ${ms} ms`);
    this.broker(id).clockError.wallOffsetMs += ms;
  }

  /** No packet passes between two machines; `oneWay`: only none from the first to the second. */
  cut(from: string, to: string, oneWay: boolean, ms: number): void {
    const { network } = this.world;
    this.world.trace.line(`${from} ${oneWay ? '-/->' : '<-/->'} ${to} for ${ms} ms`);
    const undo = [network.hold(from, to), ...(oneWay ? [] : [network.hold(to, from)])];
    this.lasting(ms, () => {
      for (const release of undo) release();
    });
  }

  /** A machine is cut off from all others: in both directions, or one. */
  isolate(host: string, direction: 'both' | 'in' | 'out', ms: number): void {
    const { network } = this.world;
    this.world.trace.line(`${host} is cut off (${direction}) for ${ms} ms`);
    const others = [...this.world.hosts()].filter((other) => other !== host);
    const undo = others.flatMap((other) => [
      ...(direction === 'in' ? [] : [network.hold(host, other)]),
      ...(direction === 'out' ? [] : [network.hold(other, host)]),
    ]);
    this.lasting(ms, () => {
      for (const release of undo) release();
    });
  }

  /** The brokers split in two groups; the store and clients stay with the first. */
  split(group: readonly number[], ms: number): void {
    const { network, brokers } = this.world;
    this.world.trace.line(`brokers ${group} are cut off from the other brokers for ${ms} ms`);
    const undo = group.flatMap((inside) =>
      [...brokers.keys()]
        .filter((outside) => !group.includes(outside))
        .flatMap((outside) => [network.hold(`b${inside}`, `b${outside}`), network.hold(`b${outside}`, `b${inside}`)]),
    );
    this.lasting(ms, () => {
      for (const release of undo) release();
    });
  }

  /** Every connection between two machines is reset. */
  reset(a: string, b: string): void {
    const broken = this.world.network.resetBetween(a, b);
    this.world.trace.line(`${broken} connections between ${a} and ${b} are reset`);
  }

  /** Packets from one machine to another take longer, or get lost. */
  degrade(from: string, to: string, delayMs: number, lossRate: number, ms: number): void {
    this.world.trace.line(`${from} -> ${to}: ${delayMs} ms and ${lossRate * 100}% loss for ${ms} ms`);
    this.lasting(ms, this.world.network.link(from, to).degrade({ delayMs, lossRate }));
  }

  /** New connections to a machine are refused or not answered, by something between. */
  refuseConnects(host: string, syn: SynPolicy, ms: number): void {
    const machine = this.world.network.machine(host);
    this.world.trace.line(`connects to ${host}: ${syn} for ${ms} ms`);
    machine.syn = syn;
    this.lasting(ms, () => {
      machine.syn = 'accept';
    });
  }

  slowDisk(id: number, factor: number, ms: number): void {
    const { disk } = this.broker(id);
    this.world.trace.line(`b${id}'s disk is ${factor} times slower for ${ms} ms`);
    disk.slowness = factor;
    this.lasting(ms, () => {
      disk.slowness = 1;
    });
  }

  /** Only so many bytes are left. */
  fullDisk(id: number, bytesLeft: number, ms: number): void {
    const { disk } = this.broker(id);
    this.world.trace.line(`b${id}'s disk has ${bytesLeft} bytes left for ${ms} ms`);
    disk.limit(bytesLeft);
    this.lasting(ms, () => disk.limit(null));
  }

  /** The next operation of this kind fails; a write has then written a part. */
  failDisk(id: number, operation: 'sync' | 'write' | 'read', part: number): void {
    this.world.trace.line(`b${id}'s next ${operation} fails`);
    const { memory } = this.broker(id).disk;
    memory.failNext(operation, { errno: 'EIO', writtenBytes: part });
  }

  /** Transactions of a broker are carried out, and their answers lost. */
  loseAnswers(id: number, count: number): void {
    this.world.trace.line(`b${id}: the answers to ${count} transactions will be lost`);
    this.world.store.troublesOf(id).lostAnswers += count;
  }

  delayWatch(id: number, delayMs: number, ms: number): void {
    this.world.trace.line(`b${id}: watch ${delayMs} ms late for ${ms} ms`);
    const troubles = this.world.store.troublesOf(id);
    troubles.watchDelayMs = delayMs;
    this.lasting(ms, () => {
      troubles.watchDelayMs = 0;
    });
  }

  /** The connections to the store break, and what the broker then catches up with breaks again. */
  cutCatchUp(id: number, times: number, awayMs: number): void {
    this.world.trace.line(`b${id}: ${times} catch-ups will be cut`);
    this.world.store.troublesOf(id).cutCatchUps += times;
    this.cut(`b${id}`, STORE_HOST, false, awayMs);
    this.reset(`b${id}`, STORE_HOST);
  }

  endLease(id: number): void {
    if (this.world.store.endLeaseOf(`/ottla/sim/brokers/${id}`)) this.world.trace.line(`b${id}'s lease ends`);
  }

  killStore(downMs: number): void {
    this.world.trace.line('the store is killed');
    this.world.store.kill();
    this.lasting(downMs, () => this.world.store.restart());
  }

  pauseStore(ms: number): void {
    this.world.trace.line(`the store is stopped for ${ms} ms`);
    const { store } = this.world;
    store.pause();
    this.lasting(ms, () => store.resume());
  }

  compactStore(): void {
    this.world.trace.line('the store forgets its history');
    this.world.store.compact();
  }

  /** What the store holds now is what it will hold again `laterMs` later. */
  restoreStore(laterMs: number): void {
    // One in a run: what a second one brings back may be what the first one had brokers write.
    if (this.restoring) return;
    this.restoring = true;
    const snapshot: MachineSnapshot = this.world.store.snapshot();
    this.lasting(laterMs, () => {
      if (this.healed) return;
      this.world.trace.line(`the store is restored from its backup of ${laterMs} ms ago`);
      this.world.store.restore(snapshot);
      this.world.counters.add('restores');
    });
  }

  /** Does something now, and again every `everyMs`, unless the faults are over. */
  repeat(times: number, everyMs: number, action: () => void): void {
    action();
    for (let again = 1; again < times; again++) {
      this.world.time.after(again * everyMs, () => {
        if (!this.healed) action();
      });
    }
  }

  /** Undoes all that is still in the way, and has everybody run. */
  heal(): void {
    this.healed = true;
    // Undoing may leave something else to be undone.
    while (this.undo.size > 0) for (const undo of [...this.undo]) undo();
    this.world.store.restart();
    for (const broker of this.world.brokers.values()) {
      broker.disk.memory.clearFaults();
      this.world.store.troubles.delete(broker.id);
      broker.boot();
      if (this.rotten.has(broker.id)) this.emptyDisk(broker.id, RESTART_MS);
      else broker.start();
    }
  }

  /** What an operator does who reads the logs: starts brokers again whose replicas are offline. */
  operate(): void {
    for (const broker of this.world.brokers.values()) {
      if (broker.offlineReplicas === 0 || broker.running === null) continue;
      this.world.trace.line(`an operator restarts ${broker.name}, which has replicas offline`);
      broker.offlineReplicas = 0;
      broker.stop(RESTART_MS);
    }
  }

  private broker(id: number) {
    return this.world.brokers.get(id)!;
  }

  private startAfter(id: number, ms: number): void {
    this.lasting(ms, () => this.broker(id).start());
  }

  /** Undone after `ms`, or with everything else. */
  private lasting(ms: number, undo: () => void): void {
    const once = (): void => {
      timer.cancel();
      if (this.undo.delete(once)) undo();
    };
    const timer = this.world.time.after(ms, once);
    this.undo.add(once);
  }
}
