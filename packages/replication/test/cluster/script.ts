import { batch } from './batches';
import { Cluster } from './cluster';
import { describeIsr, namesOf } from './names';

/** One step of a scenario: what is done, and what came of it. */
export interface Step {
  /** Blank and comment lines before it. */
  preamble: string[];
  command: string;
  expected: string[];
}

const SEPARATOR = '----';

/**
 * A scenario is a text file of steps, each a command, a line of dashes, and the lines that the cluster answers with, up
 * to a blank line. Lines that begin with # are for readers.
 */
export function parseScenario(text: string): Step[] {
  const steps: Step[] = [];
  let preamble: string[] = [];
  let open: Step | null = null;
  const lines = text.replace(/\n+$/, '').split('\n');
  for (const [index, line] of lines.entries()) {
    if (open !== null) {
      if (line === '') open = null;
      else if (line !== SEPARATOR) open.expected.push(line);
    } else if (line === '' || line.startsWith('#')) preamble.push(line);
    else {
      if (lines[index + 1] !== SEPARATOR) throw new Error(`line ${index + 1}: '${line}' lacks its ${SEPARATOR}`);
      open = { preamble, command: line, expected: [] };
      steps.push(open);
      preamble = [];
    }
  }
  if (preamble.some((line) => line !== '')) throw new Error('a comment at the end of a scenario belongs to no step');
  return steps;
}

export function formatScenario(steps: readonly Step[], outputs: readonly string[][]): string {
  const blocks = steps.map(({ preamble, command }, index) =>
    [...preamble, command, SEPARATOR, ...outputs[index]!, ''].join('\n'),
  );
  return `${blocks.join('\n').replace(/\n+$/, '')}\n`;
}

type Command = (args: string[]) => void;

/** Carries out the commands of one scenario; after each, everything that isn't held happens. */
export class Script {
  private cluster: Cluster | null = null;
  private lines: string[] = [];
  private nextName = 0;

  run(command: string): string[] {
    this.lines = [];
    const [name, ...args] = command.split(/\s+/);
    const action = this.commands[name!];
    if (action === undefined) throw new Error(`unknown command '${command}'`);
    action(args);
    this.cluster?.settle();
    return this.lines.length === 0 ? ['(nothing)'] : this.lines;
  }

  private readonly commands: Record<string, Command> = {
    /** cluster 1 2 3 min=2 [lag=30s] [window=1000] [pending=100] */
    cluster: (args) => {
      const brokers = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
      this.cluster = new Cluster(
        {
          brokers,
          minIsr: number(args, 'min', 1),
          replicaLagTimeMaxMs: duration(option(args, 'lag') ?? '30s'),
          windowBytes: number(args, 'window', 1000),
          maxPendingProduces: number(args, 'pending', 100),
        },
        { trace: (line) => this.lines.push(line) },
      );
    },
    /** elect 2 [isr=2,3] [elr=1]: the controller names a leader in a new epoch; the ISR stays unless given. */
    elect: (args) => {
      const { record } = this.it;
      const leader = args[0] === 'nobody' ? null : this.it.broker(Number(args[0]));
      this.it.write({
        ...record,
        leader: leader === null ? null : { broker: leader.id, run: leader.run },
        leaderEpoch: record.leaderEpoch + 1,
        ...this.members(args),
      });
    },
    /** record isr=1,2 [elr=3] [min=2]: the controller changes the record within the epoch. */
    record: (args) => {
      const { record } = this.it;
      this.it.write({ ...record, minIsr: number(args, 'min', record.minIsr), ...this.members(args) });
    },
    /** produce 1 acks=all [records=1] [bytes=100] [producer=7 sequence=0 [epoch=0]] [timeout=30s] [again=a] */
    produce: (args) => {
      const again = option(args, 'again');
      const header = batch({
        crc: again === undefined ? ++this.nextName : again.charCodeAt(0) - 96,
        records: number(args, 'records', 1),
        bytes: number(args, 'bytes', 100),
        ...(option(args, 'producer') === undefined
          ? {}
          : {
              producerId: number(args, 'producer', 0),
              producerEpoch: number(args, 'epoch', 0),
              baseSequence: number(args, 'sequence', 0),
            }),
      });
      const acks = option(args, 'acks') === 'all' ? -1 : number(args, 'acks', 1) === 0 ? 0 : 1;
      this.it.produce(Number(args[0]), [header], acks, duration(option(args, 'timeout') ?? '30s'));
    },
    /** hold 1->2, disk 1, push 1, image 1, store, reply 1: what is under way there waits. */
    hold: (args) => this.it.queues.hold(args.join(' ')),
    release: (args) => this.it.queues.release(args.join(' ')),
    /** deliver 1->2: one event of a held queue. */
    deliver: (args) => {
      this.it.queues.deliver(args.join(' '));
    },
    /** lose-reply 1: the store's answer to broker 1 gets lost; all that broker 1 sees is that none comes. */
    'lose-reply': (args) => {
      this.it.timeOutProposal(`reply ${args[0]}`);
      this.it.queues.keepFirst(`reply ${args[0]}`, 0);
    },
    /** lose-proposal: what is on its way to the store never arrives, and nobody can say so. */
    'lose-proposal': () => this.it.loseTransaction(),
    'fail-write': (args) => {
      this.it.broker(Number(args[0])).failingWrites += 1;
    },
    /** cut 1 2: no stream between them until `join 1 2`. */
    cut: (args) => this.it.streams.cut(Number(args[0]), Number(args[1])),
    join: (args) => this.it.streams.join(Number(args[0]), Number(args[1])),
    /** stop 1: kill -9. start 1 [empty]: again, with its log or on a new disk. */
    stop: (args) => this.it.stop(Number(args[0])),
    start: (args) => {
      if (args[1] === 'empty') this.it.replaceLog(Number(args[0]));
      this.it.start(Number(args[0]));
    },
    pause: (args) => {
      this.it.broker(Number(args[0])).paused = true;
    },
    wake: (args) => {
      this.it.broker(Number(args[0])).paused = false;
    },
    drain: (args) => this.it.feed(this.it.broker(Number(args[0])), { type: 'drain' }),
    offline: (args) =>
      this.it.feed(this.it.broker(Number(args[0])), { type: 'offline', reason: args.slice(1).join(' ') }),
    /** delete-records 1 3: broker 1 is asked to delete what lies before offset 3, wherever it is. */
    'delete-records': (args) => this.it.deleteRecords(Number(args[0]), Number(args[1])),
    /** delete-before 1 3: retention on broker 1. */
    'delete-before': (args) => this.it.broker(Number(args[0])).host.deleteBefore(Number(args[1])),
    wait: (args) => this.it.wait(duration(args[0]!)),
    /** show-pushes: from now on, with the batches in each. */
    'show-pushes': () => {
      this.it.showsPushes = true;
    },
    /** latest 1: what broker 1 answers for the latest offset. */
    latest: (args) => this.say(() => `${this.it.broker(Number(args[0])).replica!.latestReadable()}`),
    progress: (args) => {
      for (const { broker, logEnd, inIsr } of this.it.broker(Number(args[0])).replica!.replicaProgress()) {
        this.lines.push(`${broker}: end ${logEnd < 0 ? 'unknown' : logEnd}${inIsr ? ', in sync' : ''}`);
      }
    },
    /** logs: every log, with the leader epoch of each batch. */
    logs: () => {
      for (const { id, log, replica } of this.it.brokers.values()) {
        const batches = log.batches.map((header) => `${namesOf([header])}/${header.partitionLeaderEpoch}`);
        const start = log.logStart > 0 ? `from ${log.logStart}: ` : '';
        const tail = replica === null ? 'down' : `high watermark ${replica.highWatermark}`;
        this.lines.push(`${id}: ${start}${batches.join(' ') || 'empty'} (${tail})`);
      }
    },
    store: () => {
      const { record } = this.it;
      const leader = record.leader === null ? 'no leader' : `leader ${record.leader.broker}`;
      this.lines.push(`${leader}, epoch ${record.leaderEpoch}, ${describeIsr(record)}, min ${record.minIsr}`);
    },
  };

  private get it(): Cluster {
    if (this.cluster === null) throw new Error("a scenario begins with 'cluster'");
    return this.cluster;
  }

  private members(args: string[]) {
    const identities = (list: string) => (list === '' ? [] : list.split(',')).map((id) => this.it.broker(+id).identity);
    const [isr, elr] = [option(args, 'isr'), option(args, 'elr')];
    return {
      ...(isr === undefined ? {} : { isr: identities(isr) }),
      ...(elr === undefined ? {} : { elr: identities(elr) }),
    };
  }

  private say(answer: () => string): void {
    try {
      this.lines.push(answer());
    } catch (error) {
      this.lines.push((error as { code?: string }).code ?? String(error));
    }
  }
}

function option(args: string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
}

function number(args: string[], name: string, otherwise: number): number {
  const value = option(args, name);
  if (value === undefined) return otherwise;
  if (!/^\d+$/.test(value)) throw new Error(`${name}=${value} isn't a number`);
  return Number(value);
}

function duration(text: string): number {
  const match = /^(\d+)(ms|s)$/.exec(text);
  if (match === null) throw new Error(`'${text}' isn't a duration such as 20ms or 30s`);
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1);
}
