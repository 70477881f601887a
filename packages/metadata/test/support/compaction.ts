import { connectEtcd } from '../../src/etcd/client-library';

/** Compacts through the client library's raw call: the store port has no compaction. */
export async function compactEtcd(endpoint: string, revision: number): Promise<void> {
  const connection = connectEtcd(endpoint);
  try {
    await connection.calls.kv.compact({ revision: String(revision), physical: true });
  } finally {
    connection.close();
  }
}
