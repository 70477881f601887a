import { freePorts, type Started, scratchDir, start } from './processes';
import { waitFor } from './wait';

export interface RunningEtcd {
  readonly endpoint: string;
  readonly process: Started;
  stop(): Promise<void>;
}

/** Debian's etcd on free ports of the loopback address, with a data directory of its own. */
export async function startEtcd(): Promise<RunningEtcd> {
  const dir = scratchDir('etcd');
  const port = await freePorts(2);
  const endpoint = `http://127.0.0.1:${port}`;
  const peers = `http://127.0.0.1:${port + 1}`;
  const process = start('etcd', [
    ...['--name', 'one', '--data-dir', dir.path],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `one=${peers}`],
  ]);
  await waitFor('etcd to answer its health check', async () => (await fetch(`${endpoint}/health`)).ok);
  return {
    endpoint,
    process,
    stop: async () => {
      await process.stop('SIGKILL');
      dir.remove();
    },
  };
}
