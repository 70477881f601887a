import { spawnSync } from 'node:child_process';

/** Runs kcat against a cluster and gives its standard output, byte for byte. */
export function kcat(bootstrap: string, args: readonly string[], input?: Buffer, timeoutMs = 120_000): Buffer {
  const result = spawnSync('kcat', ['-b', bootstrap, ...args], {
    input,
    maxBuffer: 1 << 30,
    timeout: timeoutMs,
  });
  if (result.status !== 0) throw new Error(`kcat ${args.join(' ')} exited ${result.status}: ${result.stderr}`);
  return result.stdout;
}
