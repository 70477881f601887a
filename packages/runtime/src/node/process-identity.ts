import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** What tells one process from every other one, past ones too, as far as this system lets us know. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the kernel's clock ticks since boot; null where the system doesn't tell. */
  startTime: string | null;
  /** The kernel's boot id; empty where the system doesn't tell. */
  bootId: string;
  /** The namespace in which `pid` counts; empty where the system doesn't tell. */
  pidNamespace: string;
  host: string;
}

/**
 * The kernel's boot id: equal ids prove that the machine has not gone down in between, so what a process had written is
 * still there. Empty when the system doesn't tell, which proves nothing.
 */
export async function nodeBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return '';
  }
}

export async function currentProcess(): Promise<ProcessIdentity> {
  const [startTime, bootId, pidNamespace] = await Promise.all([
    startTimeOf(process.pid),
    nodeBootId(),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return { pid: process.pid, startTime, bootId, pidNamespace, host: hostname() };
}

/**
 * Whether `other` still runs, seen from `self`. A process of an earlier boot is dead. A pid of another namespace can't be
 * looked up: there, the same host name means a container that was started again, and another one counts as alive.
 */
export async function isAlive(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean> {
  if (other.bootId !== self.bootId) return false;
  if (other.pidNamespace !== self.pidNamespace) return other.host !== self.host;
  if (!signalReaches(other.pid)) return false;
  const startTime = await startTimeOf(other.pid);
  return startTime === other.startTime;
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/PID/stat; the second field may hold spaces and parentheses, so count from behind it. */
async function startTimeOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
