// npm run chaos: a cluster of real processes under faults and two clients, and a checker of what they were told. The
// program is test-cluster/chaos.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { testClusterModule } from './harness.mjs';

const { ROOT } = testClusterModule('harness/processes');
const { main } = testClusterModule('chaos/main');

const built = spawnSync(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), '--if-stale'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);
process.exit(await main(process.argv.slice(2)));
