import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LAUNCHER = join(__dirname, '../bin/ottla');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-launcher-'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(LAUNCHER, join(folder, 'bin', 'ottla'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A bundle that says a word and the command, built at a moment. */
function build(word: string, builtAt: number): void {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const bundle = join(folder, 'dist', 'ottla.cjs');
  writeFileSync(
    bundle,
    `const { basename } = require('node:path');
    process.stdout.write(['${word}', process.argv[2], basename(__filename), typeof module.exports].join(' '));`,
  );
  utimesSync(bundle, builtAt, builtAt);
}

function run(command: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'ottla'), command], {
    encoding: 'utf8',
  });
  return `${status} ${stdout}${stderr}`;
}

function kept(): string[] {
  return readdirSync(join(folder, 'dist')).filter((name) => name !== 'ottla.cjs');
}

describe('the launcher', () => {
  it('runs the bundle as a module of its own, the first time and from kept code', () => {
    build('hello', 1000);
    for (let time = 0; time < 3; time++) expect(run('broker')).toBe('0 hello broker ottla.cjs object');
    expect(kept()).toEqual([expect.stringMatching(/-broker\.code$/)]);
  });

  it('keeps code for each service and for config, and reads it for the others', () => {
    build('hello', 1000);
    for (const command of ['up', 'store', 'topics', 'config', 'produce']) {
      expect(run(command)).toBe(`0 hello ${command} ottla.cjs object`);
    }
    const commands = kept().map((name) => /-([a-z]+)\.code$/.exec(name)?.[1]);
    expect(commands.sort()).toEqual(['config', 'store', 'up']);
  });

  it('runs a bundle that was built anew, and removes what was kept of the old one', () => {
    build('first', 1000);
    run('up');
    const before = kept();
    build('other', 2000);
    expect(run('up')).toBe('0 other up ottla.cjs object');
    expect(kept()).toHaveLength(1);
    expect(kept()).not.toEqual(before);
  });

  it('compiles again when what was kept is damaged', () => {
    build('hello', 1000);
    run('store');
    const [name] = kept();
    const path = join(folder, 'dist', name!);
    const whole = readFileSync(path);
    for (const damaged of [Buffer.from('no code'), whole.subarray(0, whole.length / 2), Buffer.alloc(whole.length)]) {
      writeFileSync(path, damaged);
      expect(run('store')).toBe('0 hello store ottla.cjs object');
      expect(readFileSync(path).length).toBe(whole.length);
    }
  });

  it('runs the bundle where nothing can be kept', () => {
    build('hello', 1000);
    run('up');
    const [name] = kept();
    rmSync(join(folder, 'dist', name!));
    mkdirSync(join(folder, 'dist', name!, 'in-the-way'), { recursive: true });
    expect(run('up')).toBe('0 hello up ottla.cjs object');
    expect(kept()).toEqual([name]);
  });

  it('without a bundle says how to build it', () => {
    expect(run('up')).toMatch(/^1 .*not built yet.*npm run build/s);
  });
});
