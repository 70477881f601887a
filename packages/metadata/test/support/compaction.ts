import { Etcd3 } from 'etcd3';

/** Compacts through the client library: the store port has no compaction. */
export async function compactEtcd(endpoint: string, revision: number): Promise<void> {
  const client = new Etcd3({ hosts: endpoint });
  try {
    await client.kv.compact({ revision: String(revision), physical: true });
  } finally {
    client.close();
  }
}
