import { type ClusterClient, connect } from '@ottla/client';
import { bootstrapOf } from '../bootstrap';

/** Connects to the cluster, and disconnects however `use` ends. */
export async function withClient<T>(
  bootstrap: string | undefined,
  use: (client: ClusterClient) => Promise<T>,
): Promise<T> {
  const client = await connect({ bootstrap: bootstrapOf(bootstrap) });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
