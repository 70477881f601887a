// Bundles the ottla command into packages/cli/dist/ottla.cjs. With --if-stale it does nothing when the bundle is newer than every source.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outfile = join(root, 'packages/cli/dist/ottla.cjs');
const packages = readdirSync(join(root, 'packages'));

/** Packages that hold prebuilt binaries: they stay in node_modules. */
const external = ['@node-rs/crc32', 'snappy', 'lz4-napi', '@toondepauw/node-zstd', 'koffi'];

/** etcd3 reads its .proto files from beside itself when it is loaded; the bundle carries what they say. */
const etcdDescriptors = {
  name: 'etcd-descriptors',
  setup(build) {
    build.onLoad({ filter: /etcd3[\\/]lib[\\/]connection-pool\.js$/ }, ({ path }) => {
      const protobuf = createRequire(path)('protobufjs');
      const proto = new protobuf.Root().loadSync(join(dirname(path), '../proto/rpc.proto'), { keepCase: true });
      // biome-ignore lint/suspicious/noTemplateCurlyInString: etcd3's own source
      const reading = '.loadSync)(`${__dirname}/../proto/rpc.proto`,';
      const source = readFileSync(path, 'utf8');
      if (!source.includes(reading)) throw new Error(`${path} no longer reads its .proto files as it did`);
      return { contents: source.replace(reading, () => `.fromJSON)(${JSON.stringify(proto.toJSON())},`) };
    });
  },
};

function newestMtime(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMtime(join(path, name))));
}

function stale() {
  if (!existsSync(outfile)) return true;
  const inputs = [...packages.map((name) => join(root, 'packages', name, 'src')), join(root, 'package-lock.json')];
  return inputs.some((path) => newestMtime(path) > statSync(outfile).mtimeMs);
}

if (!process.argv.includes('--if-stale') || stale()) {
  await build({
    entryPoints: [join(root, 'packages/cli/src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    keepNames: true,
    sourcemap: true,
    external,
    plugins: [etcdDescriptors],
    alias: Object.fromEntries(packages.map((name) => [`@ottla/${name}`, join(root, 'packages', name, 'src/index.ts')])),
    logLevel: 'warning',
  });
  // Loads everything once, so that the launcher has compiled code to keep from the start.
  spawnSync(process.execPath, [join(root, 'packages/cli/bin/ottla'), 'config', '--json'], { stdio: 'ignore' });
}
