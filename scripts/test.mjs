// npm test: builds what is stale, then runs the unit tests and the cluster tests, and says what was skipped and how to get it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'ottla-test-'));
const strict = process.argv.includes('--no-skips');
const patterns = process.argv.slice(2).filter((argument) => argument !== '--no-skips');

function run(file, args) {
  return spawnSync(process.execPath, [join(root, file), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function runProject(name, args) {
  const report = join(scratch, `${name}.json`);
  const status = run('node_modules/jest/bin/jest.js', [
    ...['--selectProjects', name, '--json', `--outputFile=${report}`, '--passWithNoTests', ...args],
    ...patterns,
  ]);
  return { status, ...JSON.parse(readFileSync(report, 'utf8')) };
}

function skippedTests(result) {
  return result.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'pending' || test.status === 'todo')
      .map((test) => test.fullName),
  );
}

let status = run('scripts/bundle.mjs', ['--if-stale']);
if (status === 0) {
  const results = [runProject('unit', ['--maxWorkers=2']), runProject('cluster', ['--runInBand'])];
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  const skipped = results.flatMap(skippedTests);
  const suites = sum('numRuntimeErrorTestSuites');
  for (const name of skipped) console.log(`skipped: ${name}`);
  console.log(
    `${sum('numPassedTests')} passed, ${sum('numFailedTests') + suites} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  );
  status = results.some((result) => result.status !== 0) || (strict && skipped.length > 0) ? 1 : 0;
}
rmSync(scratch, { recursive: true, force: true });
process.exit(status);
