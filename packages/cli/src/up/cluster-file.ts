/** What `DIR/cluster.json` says. Addresses are `host:port`, paths absolute. */
export interface ClusterFile {
  readonly clusterId: string;
  /** Kafka addresses of all brokers, comma-separated. */
  readonly bootstrap: string;
  readonly store: {
    readonly kind: 'embedded' | 'etcd';
    readonly endpoints: readonly string[];
    /** Null for an etcd that `ottla up` doesn't run. */
    readonly pid: number | null;
  };
  readonly brokers: readonly ClusterFileBroker[];
}

export interface ClusterFileBroker {
  readonly id: number;
  readonly pid: number | null;
  readonly kafka: string;
  readonly grpc: string;
  /** HTTP: `/healthz` and `/metrics`. */
  readonly admin: string;
  readonly dataDir: string;
  readonly config: string;
}

export function encodeClusterFile(file: ClusterFile): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(file, null, 2)}\n`);
}
