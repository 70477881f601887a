// Writes packages/metadata/src/wire/generated/etcd.ts, the descriptors of proto/etcd as code, so that a bundled broker needs
// no .proto file beside it. `--check` only says whether the module is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const source = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const protobuf = createRequire(source('packages/metadata/package.json'))('protobufjs');
const target = source('packages/metadata/src/wire/generated/etcd.ts');

export function etcdModule() {
  const root = new protobuf.Root();
  for (const file of ['kv.proto', 'rpc.proto']) {
    const text = readFileSync(source(`proto/etcd/${file}`), 'utf8');
    protobuf.parse(text, root, { keepCase: true });
  }
  root.resolveAll();
  const json = JSON.stringify(root.toJSON({ keepComments: false }));
  return `// Made from proto/etcd by scripts/proto-etcd.mjs.\nexport const etcdDescriptor: object = ${json};\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = etcdModule();
  if (!process.argv.includes('--check')) writeFileSync(target, wanted);
  else if (readFileSync(target, 'utf8') !== wanted) {
    console.error('packages/metadata/src/wire/generated/etcd.ts is out of date: run node scripts/proto-etcd.mjs');
    process.exitCode = 1;
  }
}
