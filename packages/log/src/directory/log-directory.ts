import { OttlaError } from '@ottla/protocol';
import type { DiskLock } from '@ottla/runtime';
import type { LogConfig } from '../config';
import {
  deletedFolder,
  isDeletedFolder,
  parsePartitionFolder,
  partitionFolder,
  strayFolder,
} from '../files/folder-names';
import { readTopicId } from '../files/partition-metadata';
import { PartitionLog } from '../partition/partition-log';
import type { LostRecords, OfflineReason } from '../partition/types';
import { LogResources } from '../resources/log-resources';
import { Checkpoints } from './checkpoints';
import { explain, HeldDirectory, type LogDirectoryOptions } from './held-directory';
import { doubtOf, type LastRun, runsWith } from './identity';
import { type DirectoryMeta, removeCleanShutdown, writeCleanShutdown, writeMeta } from './meta';

export interface PartitionOnDisk {
  topic: string;
  partition: number;
  /** Null when the folder's partition.metadata is missing or unreadable. */
  topicId: string | null;
}

export interface OpenPartition {
  topic: string;
  topicId: string;
  partition: number;
  config: LogConfig;
  /** By default that of the directory. */
  producerExpirationMs?: number;
}

const DEFAULT_PRODUCER_EXPIRATION_MS = 86_400_000;

/** One data directory, in use by this process alone. */
export class LogDirectory {
  /** The directory was closed cleanly, or is new: its logs are taken as they are. */
  readonly cleanShutdown: boolean;
  readonly dir: string;
  readonly #options: LogDirectoryOptions;
  /** The run in which the broker had registered last when this directory was put to use; null when in none. */
  readonly predecessor: string | null;
  #meta: DirectoryMeta;
  readonly #lock: DiskLock;
  readonly #checkpoints: Checkpoints;
  readonly #resources: LogResources;
  readonly #logs = new Map<string, Promise<PartitionLog> | PartitionLog>();
  /** By folder, the end of the last thing to happen to it: folders are reused, by another topic of the same name. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #listeners = new Set<(error: OttlaError) => void>();
  #failure: OttlaError | null = null;
  #disowned: Promise<void> | null = null;
  /** The log id is that of the run before. */
  #kept: boolean;
  #settled = false;
  /** Folders of which recovery has cut what had been written whole. */
  readonly #lost = new Set<string>();
  #closing: Promise<void> | null = null;
  #released = false;

  private constructor(
    { options, lock, clean }: HeldDirectory,
    parts: { meta: DirectoryMeta; checkpoints: Checkpoints; kept: boolean; predecessor: string | null },
  ) {
    this.#options = options;
    this.dir = options.dir;
    this.#meta = parts.meta;
    this.#kept = parts.kept;
    this.predecessor = parts.predecessor;
    this.cleanShutdown = clean;
    this.#lock = lock;
    this.#checkpoints = parts.checkpoints;
    this.#resources = new LogResources(options.limits, options.logger);
  }

  /** Takes a directory and puts it to use, where no metadata store has anything to say. */
  static async open(options: LogDirectoryOptions, lastRun: LastRun | null = null): Promise<LogDirectory> {
    return LogDirectory.use(await HeldDirectory.take(options), lastRun);
  }

  /**
   * Puts a directory to use. The log id stays when nothing can have been lost: the kernel has not gone down since the last
   * run, or that run closed the directory cleanly; and it is the run in which the broker registered last. (In another one
   * there were other contents, of which these are an older copy.) Otherwise it is replaced. Lets go of the directory when
   * it rejects.
   */
  static async use(held: HeldDirectory, lastRun: LastRun | null): Promise<LogDirectory> {
    try {
      return await LogDirectory.#begin(held, lastRun);
    } catch (error) {
      await held.release();
      throw explain(held.dir, error);
    }
  }

  static async #begin(held: HeldDirectory, lastRun: LastRun | null): Promise<LogDirectory> {
    const { options, last, clean } = held;
    const { disk, dir, random, logger, clusterId, brokerId, run, bootId } = options;
    const doubt = doubtOf({ last, clean, bootId }, lastRun);
    const kept = last !== null && doubt === null;
    const logId = kept ? last.logId : random.uuid();
    if (last !== null && !kept) logger.warn(`${dir} gets a new log id: ${doubt}`, { logId, former: last.logId });
    const checkpoints = await Checkpoints.load(disk, dir, logger);
    const runs = runsWith({ last, kept, run }, lastRun);
    // In this order: at every moment the marker either names the run before, whose meta is gone, or isn't there.
    const meta: DirectoryMeta = { ...last, version: 1, clusterId, brokerId, logId, bootId, run, ...runs };
    await writeMeta(disk, dir, meta);
    await removeCleanShutdown(disk, dir);
    for (const name of await disk.list(dir)) if (isDeletedFolder(name)) await disk.remove(`${dir}/${name}`);
    return new LogDirectory(held, { meta, checkpoints, kept, predecessor: lastRun?.run ?? null });
  }

  /** Names what the directory holds: the same id means that nothing that was written has been lost. */
  get logId(): string {
    return this.#meta.logId;
  }

  /** The number of this start among those that registered with the metadata store. */
  get starts(): number {
    return this.#meta.starts!;
  }

  /**
   * To be called before the log id is told to anybody, when the logs that count were opened: gives the directory a new one
   * if recovery found records lost in any of them. From then on the log id is fixed, and a log that is found to have lost
   * records isn't opened.
   */
  async settleLogId(): Promise<void> {
    this.#settled = true;
    if (this.#lost.size === 0) return;
    await this.#disowned;
    if (this.#failure !== null) throw this.#failure;
    const { disk, random, logger } = this.#options;
    const former = this.logId;
    this.#meta = { ...this.#meta, logId: random.uuid() };
    await writeMeta(disk, this.dir, this.#meta);
    this.#kept = false;
    this.#disowned = null;
    const lost = [...this.#lost].join(', ');
    logger.warn(`${this.dir} gets a new log id: records of ${lost} were lost`, { logId: this.logId, former });
  }

  /** Why the directory is offline; null while it works. */
  get failure(): OttlaError | null {
    return this.#failure;
  }

  /** Calls `listener` when the directory goes offline, which a failing fsync does to it. Returns how to stop that. */
  onOffline(listener: (error: OttlaError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The partitions that have a folder here. */
  async partitionsOnDisk(): Promise<PartitionOnDisk[]> {
    const { disk } = this.#options;
    const found: PartitionOnDisk[] = [];
    for (const name of await disk.list(this.dir)) {
      const parsed = parsePartitionFolder(name);
      if (parsed !== null) found.push({ ...parsed, topicId: await readTopicId(disk, `${this.dir}/${name}`) });
    }
    return found;
  }

  /** Opens a partition's log, or makes one. Throws `INCONSISTENT_TOPIC_ID` when its folder is another topic's. */
  openPartition(wanted: OpenPartition): Promise<PartitionLog> {
    const name = partitionFolder(wanted.topic, wanted.partition);
    return this.#inTurn(name, () => this.#openNow(name, wanted));
  }

  async #openNow(name: string, wanted: OpenPartition): Promise<PartitionLog> {
    if (this.#failure !== null) throw this.#failure;
    this.#requireHeld();
    if (this.#isOpen(name)) throw new OttlaError('KAFKA_STORAGE_ERROR', `${this.dir}/${name} is open already`);
    const opening = this.#open(wanted);
    this.#logs.set(name, opening);
    try {
      const log = await opening;
      this.#logs.set(name, log);
      return log;
    } catch (error) {
      this.#logs.delete(name);
      throw error;
    }
  }

  /** The checkpointed high watermark, brought into the log's range if the log is open; 0 when nothing is known. */
  highWatermark(topic: string, partition: number): number {
    const value = this.#checkpoints.get('high-watermarks', topic, partition);
    const log = this.#logs.get(partitionFolder(topic, partition));
    return log instanceof PartitionLog ? Math.max(Math.min(value, log.logEnd), log.logStart) : value;
  }

  /** Noted for the next checkpoint. */
  setHighWatermark(topic: string, partition: number, value: number): void {
    this.#checkpoints.set('high-watermarks', topic, partition, value);
  }

  /**
   * Writes recovery points, high watermarks and log starts of all partitions, where they changed, and makes the folders of
   * new partitions durable. To be called every few seconds.
   */
  async checkpoint(): Promise<void> {
    for (const log of [...this.#logs.values()]) {
      if (log instanceof PartitionLog) await log.syncFolder();
    }
    await this.#writeCheckpoints();
  }

  async #writeCheckpoints(): Promise<void> {
    this.#requireHeld();
    await this.#checkpoints.write(() => {
      for (const log of this.#logs.values()) {
        if (!(log instanceof PartitionLog)) continue;
        const { topic, partition } = log;
        this.#checkpoints.set('recovery-points', topic, partition, log.recoveryPoint);
        this.#checkpoints.set('log-start-offsets', topic, partition, log.logStart);
      }
    });
  }

  /**
   * Renames a folder that belongs to nothing here, so that it is neither used nor lost. Its log must not be open. Does
   * nothing where there is no such folder.
   */
  setAside({ topic, partition }: { topic: string; partition: number }): Promise<void> {
    const name = partitionFolder(topic, partition);
    return this.#inTurn(name, () => this.#setAsideNow(name, topic, partition));
  }

  async #setAsideNow(name: string, topic: string, partition: number): Promise<void> {
    const { disk, random, logger } = this.#options;
    if (this.#isOpen(name)) throw new OttlaError('KAFKA_STORAGE_ERROR', `${this.dir}/${name} is open; close it first`);
    if (!(await disk.exists(`${this.dir}/${name}`))) return;
    this.#logs.delete(name);
    this.#lost.delete(name);
    if (this.#checkpoints.forget(topic, partition)) await this.#writeCheckpoints();
    const aside = strayFolder(name, random.uuid());
    await disk.rename(`${this.dir}/${name}`, `${this.dir}/${aside}`);
    await disk.syncDir(this.dir);
    logger.warn(`set ${this.dir}/${name} aside as ${aside}: it belongs to no topic of this cluster`);
  }

  /** Deletes a partition's log. Throws `INCONSISTENT_TOPIC_ID`, and deletes nothing, when the folder is another topic's. */
  deletePartition(partition: { topic: string; partition: number; topicId: string }): Promise<void> {
    const name = partitionFolder(partition.topic, partition.partition);
    return this.#inTurn(name, () => this.#deleteNow(name, partition));
  }

  async #deleteNow(name: string, partition: { topic: string; partition: number; topicId: string }): Promise<void> {
    const { disk, random } = this.#options;
    const folder = `${this.dir}/${name}`;
    const log = await this.#logs.get(name);
    const found = log?.topicId ?? (await readTopicId(disk, folder));
    if (found === null && !(await disk.exists(folder))) return;
    if (found !== partition.topicId) {
      const message = `${folder} belongs to topic id ${found ?? 'unknown'}, not ${partition.topicId}; it is kept`;
      throw new OttlaError('INCONSISTENT_TOPIC_ID', message);
    }
    // A later partition of this name must find no offsets of this one.
    this.#logs.delete(name);
    this.#lost.delete(name);
    await log?.close({ clean: false });
    if (this.#checkpoints.forget(partition.topic, partition.partition)) await this.#writeCheckpoints();
    const doomed = `${this.dir}/${deletedFolder(name, random.uuid())}`;
    await disk.rename(folder, doomed);
    await disk.syncDir(this.dir);
    await disk.remove(doomed);
  }

  /**
   * Closes every log and lets the directory go. `clean` makes everything durable and leaves the marker that lets the next
   * run keep the log id; when any of that fails the directory is closed all the same, without the marker, and this rejects.
   */
  close({ clean }: { clean: boolean }): Promise<void> {
    this.#closing ??= this.#close(clean);
    return this.#closing;
  }

  /** Runs the task once everything that was asked of the folder before has ended. */
  #inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(name) ?? Promise.resolve()).then(task);
    const ended = result.then(
      () => {},
      () => {},
    );
    this.#turns.set(name, ended);
    void ended.then(() => {
      if (this.#turns.get(name) === ended) this.#turns.delete(name);
    });
    return result;
  }

  /** A log that its user has closed may be opened again. */
  #isOpen(name: string): boolean {
    const log = this.#logs.get(name);
    return log !== undefined && !(log instanceof PartitionLog && log.closed);
  }

  async #close(clean: boolean): Promise<void> {
    const { disk, run } = this.#options;
    try {
      await Promise.all(this.#turns.values());
      const logs = await Promise.allSettled(this.#logs.values());
      const opened = logs.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const closed = await Promise.allSettled(opened.map((log) => log.close({ clean })));
      const failed = closed.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      await this.#disowned?.catch(() => {});
      if (!clean) return;
      await this.#writeCheckpoints();
      if (this.#failure === null && this.#disowned === null && opened.every((log) => log.failure === null)) {
        await writeCleanShutdown(disk, this.dir, run);
      }
    } finally {
      await this.#resources.files.settled();
      this.#released = true;
      await this.#lock.release();
    }
  }

  /** Once let go, the directory may be another process's. */
  #requireHeld(): void {
    if (this.#released) throw new OttlaError('KAFKA_STORAGE_ERROR', `${this.dir} was closed`);
  }

  async #open({ topic, topicId, partition, config, ...given }: OpenPartition): Promise<PartitionLog> {
    const { disk, clock, logger } = this.#options;
    const { producerExpirationMs = this.#options.producerExpirationMs ?? DEFAULT_PRODUCER_EXPIRATION_MS } = given;
    const dir = `${this.dir}/${partitionFolder(topic, partition)}`;
    if (!(await disk.exists(dir)) && this.#checkpoints.forget(topic, partition)) await this.#writeCheckpoints();
    const name = partitionFolder(topic, partition);
    const log = await PartitionLog.open({
      disk,
      clock,
      logger,
      dir,
      topic,
      topicId,
      partition,
      config,
      cleanShutdown: this.cleanShutdown,
      recoveryPoint: this.#checkpoints.get('recovery-points', topic, partition),
      logStart: this.#checkpoints.get('log-start-offsets', topic, partition),
      producerExpirationMs,
      resources: this.#resources,
      checkpoint: () => this.#writeCheckpoints(),
      onOffline: (error, reason) => this.#onLogOffline(error, reason),
      onLoss: (lost) => this.#onLoss(name, lost),
    });
    if (!this.#settled || !this.#kept || !this.#lost.has(name)) return log;
    await log.close({ clean: false });
    const message = `${dir} has lost records that may have been acknowledged, under a log id that says otherwise`;
    throw new OttlaError('KAFKA_STORAGE_ERROR', `${message}; restart the broker, which gives the directory a new one`);
  }

  /** Noted durably before the log is cut: after that nothing shows it any more. */
  async #onLoss(name: string, { offset, reason }: LostRecords): Promise<void> {
    if (!this.#kept) return;
    const { logger } = this.#options;
    logger.error(`${name} has lost what was written from offset ${offset} on: ${reason}`);
    this.#lost.add(name);
    await this.#disown();
  }

  /** A device that failed one fsync may have dropped any other write: the whole directory stops. */
  #onLogOffline(error: OttlaError, reason: OfflineReason): void {
    if (reason !== 'sync-failed' || this.#failure !== null) return;
    this.#failure = error;
    this.#disown().catch((cause: unknown) =>
      this.#options.logger.error(`${this.dir} is offline and can't be marked so`, { error: cause }),
    );
    for (const listener of [...this.#listeners]) listener(error);
  }

  /** The boot id no longer proves that nothing was lost, so the next run must take a new log id. */
  #disown(): Promise<void> {
    this.#disowned ??= writeMeta(this.#options.disk, this.dir, { ...this.#meta, bootId: '' });
    return this.#disowned;
  }
}
