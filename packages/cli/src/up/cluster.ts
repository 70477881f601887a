import { CommandError } from '../command-error';
import { RestartBackoff } from './backoff';
import { Child, type ChildSpec, describeExit, type Exit } from './child';
import type { ClusterFile } from './cluster-file';
import type { UpOptions } from './options';
import { type BrokerPlan, DECIDED, type Plan } from './plan';

const START_TIMEOUT_MS = 60_000;
/** Longer than a broker's `controlled.shutdown.timeout.ms`, by default 10 s. */
const STOP_TIMEOUT_MS = 20_000;

/** What happens to the processes of a cluster after it has started. */
export interface ClusterEvents {
  /** A process ended by itself. `again` says in how many ms it is started again; null: it stays down. */
  exited(part: Part, exit: Exit, again: number | null): void;
  /** A process that was started again serves. */
  back(part: Part): void;
}

export type Part = { readonly kind: 'store' } | { readonly kind: 'broker'; readonly plan: BrokerPlan };

interface Slot {
  readonly part: Part;
  readonly spec: ChildSpec;
  readonly backoff: RestartBackoff;
  child: Child;
  startedAt: number;
  timer: NodeJS.Timeout | null;
}

/** The processes of one cluster: started together, watched, and stopped in order. */
export class Cluster {
  private readonly slots: Slot[] = [];
  private stopping = false;

  constructor(
    private readonly plan: Plan,
    private readonly options: UpOptions,
    private readonly events: ClusterEvents,
  ) {}

  /** Starts the store and the brokers at once; brokers begin when the store serves. Rejects when one of them can't. */
  async start(): Promise<void> {
    this.spawnAll();
    const deadline = startDeadline();
    const beginAll = async (kind: Part['kind']): Promise<void> => {
      await Promise.all(this.slotsOf(kind).map((slot) => begin(slot, deadline.passed)));
    };
    try {
      await beginAll('store');
      await beginAll('broker');
    } finally {
      deadline.cancel();
    }
    for (const slot of this.slots) this.watch(slot);
  }

  /**
   * Brokers first, so that they can hand over and say goodbye; then the store. Kills whatever takes too long. Answers the
   * processes that did not end as they should.
   */
  async stop(): Promise<{ readonly part: Part; readonly exit: Exit }[]> {
    this.stopping = true;
    for (const slot of this.slots) if (slot.timer !== null) clearTimeout(slot.timer);
    const running = this.slots.filter(({ child }) => child.isRunning);
    for (const kind of ['broker', 'store'] as const) {
      await Promise.all(this.slotsOf(kind).map(({ child }) => stopChild(child)));
    }
    const ends = await Promise.all(running.map(async ({ part, child }) => ({ part, exit: await child.exited })));
    return ends.filter(({ exit }) => exit.code !== 0);
  }

  /** Ends everything at once. */
  kill(): void {
    this.stopping = true;
    for (const { child } of this.slots) child.kill('SIGKILL');
  }

  file(): ClusterFile {
    const { clusterId, store, brokers } = this.plan;
    const pidOf = (wanted: (part: Part) => boolean): number | null =>
      this.slots.find(({ part }) => wanted(part))?.child.pid ?? null;
    return {
      clusterId,
      bootstrap: brokers.map(({ kafka }) => reachable(kafka)).join(','),
      store: {
        kind: store.kind,
        endpoints: store.kind === 'etcd' ? store.endpoints : [store.endpoint],
        pid: pidOf(({ kind }) => kind === 'store'),
      },
      brokers: brokers.map((plan) => ({
        id: plan.id,
        pid: pidOf((part) => part.kind === 'broker' && part.plan === plan),
        kafka: reachable(plan.kafka),
        grpc: reachable(plan.grpc),
        admin: reachable(plan.admin),
        dataDir: plan.files.data,
        config: plan.files.config,
      })),
    };
  }

  private slotsOf(kind: Part['kind']): Slot[] {
    return this.slots.filter(({ part }) => part.kind === kind);
  }

  private spawnAll(): void {
    const { store, brokers } = this.plan;
    const env = childEnvironment();
    const logOf = (log: string): string | null => (this.options.logs ? null : log);
    if (store.kind === 'embedded') {
      const args = ['store', '--config', store.files.config, '--supervised'];
      this.add({ kind: 'store' }, { name: 'the store', args, log: logOf(store.files.log), env });
    }
    for (const plan of brokers) {
      const args = ['broker', '--config', plan.files.config, '--supervised'];
      this.add({ kind: 'broker', plan }, { name: `broker ${plan.id}`, args, log: logOf(plan.files.log), env });
    }
  }

  private add(part: Part, spec: ChildSpec): void {
    const backoff = new RestartBackoff();
    this.slots.push({ part, spec, backoff, child: new Child(spec), startedAt: performance.now(), timer: null });
  }

  private watch(slot: Slot): void {
    void slot.child.exited.then((exit) => {
      if (this.stopping) return;
      const again = this.options.restart ? slot.backoff.next(performance.now() - slot.startedAt) : null;
      this.events.exited(slot.part, exit, again);
      if (again !== null) slot.timer = setTimeout(() => this.startAgain(slot), again);
    });
  }

  private startAgain(slot: Slot): void {
    slot.timer = null;
    slot.child = new Child(slot.spec);
    slot.startedAt = performance.now();
    slot.child.tell({ type: 'start' });
    void slot.child.serving.then(() => {
      if (!this.stopping) this.events.back(slot.part);
    });
    this.watch(slot);
  }
}

/** An address at which this machine reaches what listens there: every interface is no address to connect to. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1');
}

/** Tells the child to begin, and waits until it serves. */
async function begin({ child, spec }: Slot, deadline: Promise<void>): Promise<void> {
  child.tell({ type: 'start' });
  const end = child.exited.then((exit) => {
    const log = spec.log === null ? '' : `; its log is ${spec.log}`;
    const reason = exit.message ?? `it ${describeExit(exit)} before it served${log}`;
    throw new CommandError(`${spec.name} could not start: ${reason}`);
  });
  const late = deadline.then(() => {
    const log = spec.log === null ? '' : `: see ${spec.log}`;
    throw new CommandError(`${spec.name} does not serve after ${START_TIMEOUT_MS / 1000} s${log}`);
  });
  await Promise.race([child.serving, end, late]);
}

function startDeadline(): { readonly passed: Promise<void>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, START_TIMEOUT_MS);
  });
  return { passed, cancel: () => clearTimeout(timer) };
}

async function stopChild(child: Child): Promise<void> {
  child.tell({ type: 'stop' });
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await child.exited;
  clearTimeout(timer);
}

/** Settings in the environment hold for every broker, but for those that each has of its own. */
function childEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of DECIDED) delete env[`OTTLA_${name.toUpperCase().replace(/[.-]/g, '_')}`];
  return env;
}
