// A process that runs seeds, one at a time, as its parent asks. What goes wrong beyond a run's own violations ends it, and
// the parent tells by that.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

process.on('message', async ({ bundle, options }) => {
  const { runSeed } = require(bundle);
  const began = process.cpuUsage();
  const result = await runSeed({ ...options, omit: new Set(options.omit ?? []) });
  const { user, system } = process.cpuUsage(began);
  process.send({ ...result, cpuMs: (user + system) / 1000 });
});

process.on('disconnect', () => process.exit(0));
