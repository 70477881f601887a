import { listing } from '../src/commands/config';
import { alterConfigs, describeConfigs } from '../src/commands/configs';
import { deleteRecords } from '../src/commands/replicas';
import { program } from '../src/program';
import { table } from '../src/stdio/table';
import { RestartBackoff } from '../src/up/backoff';
import { describeExit } from '../src/up/child';

describe('the command line', () => {
  function refuse(...args: string[]): string {
    let said = '';
    const root = program('1.2.3', () => {});
    const all = [root, ...root.commands, ...root.commands.flatMap((command) => command.commands)];
    for (const command of all) {
      command.exitOverride().configureOutput({
        writeErr: (text) => {
          said += text;
        },
      });
    }
    expect(() => root.parse(['node', 'ottla', ...args])).toThrow();
    return said;
  }

  it.each([
    [['up', '--port', '70000'], 'Expected a port'],
    [['up', '--brokers', '0'], 'Expected 1 or more'],
    [['up', '--brokers', 'two'], 'Expected a whole number'],
    [['produce'], "required option '--topic <name>'"],
    [['produce', '--topic', 't', '--acks', '2'], 'Allowed choices are all, 1, 0'],
    [['consume', '--topic', 't', '--from', 'yesterday'], 'Expected a whole number'],
    [['topics', 'create'], "missing required argument 'name'"],
    [['configs', 'alter', '--broker', 'one'], 'Expected a whole number'],
    [['delete-records', 't'], "required option '--before <offset>'"],
    [['topics', 'add-partitions', 't'], "required option '--partitions <n>'"],
    [['reassign', 'start', 't', '--to', '1,two'], 'Expected a whole number'],
    [['reassign', 'plan', '--brokers', ','], 'Expected broker ids'],
    [['brokr'], 'Did you mean broker?'],
  ])('%p is refused with a sentence', (args, sentence) => {
    expect(refuse(...args)).toContain(sentence);
  });

  it('has a help text for every command and option', () => {
    const root = program('1.2.3', () => {});
    const all = [...root.commands, ...root.commands.flatMap((command) => command.commands)];
    for (const command of all) {
      expect([command.name(), command.description().length > 0]).toEqual([command.name(), true]);
      for (const option of command.options.filter(({ hidden }) => !hidden)) {
        expect([command.name(), option.flags, option.description.length > 0]).toEqual([
          command.name(),
          option.flags,
          true,
        ]);
      }
    }
  });
});

describe('administration that lacks something is refused before a broker is looked for', () => {
  const lists = { set: [], append: [], subtract: [], delete: [] };
  it.each<[string, () => unknown, RegExp]>([
    ['no resource', () => describeConfigs({}), /whose configs\? give one of --topic/],
    ['two resources', () => describeConfigs({ topic: 't', broker: 0 }), /one thing at a time/],
    ['no change', () => alterConfigs({ ...lists, broker: 1 }), /nothing to alter: give --set/],
    ['no value', () => alterConfigs({ ...lists, topic: 't', append: ['a'] }), /--append a: expected NAME=VALUE/],
    ['no offset', () => deleteRecords('t', { before: 'yesterday' }), /--before yesterday: expected an offset, or end/],
  ])('%s', (_, run, sentence) => {
    expect(run).toThrow(sentence);
  });
});

describe('ottla config', () => {
  it('lists a setting with meaning, default, unit and environment variable', () => {
    const entry = /^log\.segment\.bytes\n(?: {4}.*\n?)+/m.exec(listing(100))![0];
    expect(entry).toContain('in bytes');
    expect(entry).toContain('Default: 1073741824');
    expect(entry).toContain('OTTLA_LOG_SEGMENT_BYTES');
    expect(entry).toContain('Can be changed while brokers run');
    expect(/^node\.id\n(?: {4}.*\n?)+/m.exec(listing(100))![0]).not.toContain('Can be changed');
  });

  it('keeps meanings within the width', () => {
    const meanings = listing(60)
      .split('\n')
      .filter((line) => /^ {4}(?!Default)/.test(line));
    expect(Math.max(...meanings.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});

describe('small parts', () => {
  it('a table sets numbers to the right and cuts trailing blanks', () => {
    expect(
      table(
        ['name', 'n', ''],
        [
          ['a', '5', ''],
          ['long', '10', 'x'],
        ],
      ),
    ).toEqual(['name  n', 'a      5', 'long  10  x']);
  });

  it('restarts wait longer each time, at most half a minute, and short again after a healthy life', () => {
    const backoff = new RestartBackoff();
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next(100))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(backoff.next(60_000)).toBe(500);
  });

  it.each([
    [null, 'SIGKILL', 'was killed by SIGKILL'],
    [3, null, 'exited with code 3'],
    [null, null, 'could not be started'],
  ] as const)('an exit with code %p and signal %p %s', (code, signal, words) => {
    expect(describeExit({ code, signal, message: null })).toBe(words);
  });
});
