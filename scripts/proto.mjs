// Reads proto/ (but for proto/etcd) and writes packages/rpc/src/generated: TypeScript interfaces, descriptors for
// protobufjs, and the file descriptors that server reflection hands out. With --check it writes nothing and fails when
// a file is out of date.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileDescriptors } from './proto/file-descriptors.mjs';
import { interfaces } from './proto/interfaces.mjs';

const workspace = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(workspace, 'proto');
const target = join(workspace, 'packages/rpc/src/generated');

/** Which packages of proto/ become which module. */
const modules = {
  peer: ['ottla/peer/v1/replication.proto', 'ottla/peer/v1/session.proto'],
  door: ['ottla/v1/admin.proto', 'ottla/v1/broker.proto'],
  health: ['grpc/health/v1/health.proto'],
  reflection: ['grpc/reflection/v1/reflection.proto', 'grpc/reflection/v1alpha/reflection.proto'],
};

// The packages have versions of protobufjs of their own; the generated modules are read by rpc's.
const protobuf = createRequire(join(workspace, 'packages/rpc/package.json'))('protobufjs');
const descriptor = createRequire(join(workspace, 'packages/rpc/package.json'))('protobufjs/ext/descriptor');

const banner = '// Written by scripts/proto.mjs from proto/. Do not edit.\n';

export function generate() {
  const outputs = new Map();
  const allFiles = [];
  for (const [name, files] of Object.entries(modules)) {
    const root = load(files);
    // Both versions of reflection have the same messages; one set of interfaces serves them.
    const described = name === 'reflection' ? files.slice(0, 1) : files;
    outputs.set(`${name}.ts`, banner + interfaces(protobuf, root, described.map(packageOf)));
    outputs.set(
      `${name}-descriptor.ts`,
      `${banner}export const ${name}Descriptor = ${JSON.stringify(root.toJSON())} as const;\n`,
    );
    allFiles.push(...files);
  }
  const encoded = fileDescriptors(protobuf, descriptor, source, allFiles);
  outputs.set('file-descriptors.ts', banner + encoded);
  return outputs;
}

function load(files) {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, path) => join(source, path);
  root.loadSync(files, { keepCase: false, alternateCommentMode: true });
  root.resolveAll();
  return root;
}

function packageOf(file) {
  return /^package ([\w.]+);/m.exec(readFileSync(join(source, file), 'utf8'))[1];
}

function main() {
  const outputs = generate();
  const stale = [...outputs].filter(([name, text]) => {
    const path = join(target, name);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  const foreign = existsSync(target) ? readdirSync(target).filter((name) => !outputs.has(name)) : [];
  if (process.argv.includes('--check')) {
    const names = [...stale.map(([name]) => name), ...foreign];
    if (names.length === 0) return;
    console.error(`packages/rpc/src/generated is out of date (${names.join(', ')}): run node scripts/proto.mjs`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(target, { recursive: true });
  for (const [name, text] of stale) writeFileSync(join(target, name), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
