// For esbuild. etcd3 reads .proto files from beside its own module when it's loaded: a bundle has none, and reading them
// takes longer than all the rest of it. In a bundle it gets the descriptors that Ottla has as code.
import { fileURLToPath } from 'node:url';

const protocol = fileURLToPath(new URL('../packages/metadata/src/wire/etcd3-protocol.ts', import.meta.url));

export const etcd3Plugin = {
  name: 'etcd3-protocol',
  setup(build) {
    build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer }) =>
      /[\\/]etcd3[\\/]lib[\\/]/.test(importer) ? { path: protocol } : undefined,
    );
  },
};
