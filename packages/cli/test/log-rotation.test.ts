import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepBounded, rotateIfLarge } from '../src/up/log-rotation';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ottla-logs-'));
  path = join(dir, 'broker.log');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(dir, name), 'utf8');

it('a log over the limit moves to .1, and who appends by its descriptor goes on in the emptied file', () => {
  const writer = openSync(path, 'a');
  writeSync(writer, 'first line\n');
  expect(rotateIfLarge(path, 10)).toBe(true);
  writeSync(writer, 'second\n');
  expect(rotateIfLarge(path, 10)).toBe(false);
  expect([read('broker.log.1'), read('broker.log')]).toEqual(['first line\n', 'second\n']);
  writeSync(writer, 'third line\n');
  expect(rotateIfLarge(path, 10)).toBe(true);
  expect([read('broker.log.1'), read('broker.log')]).toEqual(['second\nthird line\n', '']);
  closeSync(writer);
  expect(readdirSync(dir).sort()).toEqual(['broker.log', 'broker.log.1']);
});

it('a log of more than what is read at once is kept whole', () => {
  const text = 'x'.repeat(300_000);
  appendFileSync(path, text);
  rotateIfLarge(path, 1);
  expect(read('broker.log.1')).toBe(text);
});

it('looks at once, and makes the file when there is none', () => {
  appendFileSync(path, 'left by the last run\n');
  keepBounded(path, 5)();
  expect([read('broker.log.1'), read('broker.log')]).toEqual(['left by the last run\n', '']);
  rmSync(path);
  keepBounded(path, 5)();
  expect(read('broker.log')).toBe('');
});
