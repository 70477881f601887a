import { describeConfig, type SettingDescription } from '@ottla/broker';
import { say, sayJson } from '../stdio/say';
import { brokerConfigOf } from './broker';

export interface ConfigFlags {
  readonly config?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

/** Every setting with its meaning, unit and default, as text. */
export function listing(width: number): string {
  const intro = [
    'Settings of a broker, from a JSON file (--config), the environment, and --set NAME=VALUE; later ones win.',
    '',
  ];
  return [...intro, ...describeConfig().map((setting) => entry(setting, width))].join('\n');
}

const UPDATES = {
  'per-broker': 'Can be changed while brokers run: `ottla configs alter --all-brokers`, or `--broker ID` for one.',
  'cluster-wide': 'Can be changed while brokers run: `ottla configs alter --all-brokers`.',
};

function entry(setting: SettingDescription, width: number): string {
  const unit = setting.unit === null ? '' : `, in ${setting.unit}`;
  const value = setting.default === '' ? 'none' : setting.default;
  return [
    setting.name,
    ...wrap(setting.doc, width - 4),
    `Default: ${value}${unit}. Takes ${setting.expects}. Environment: ${setting.environmentVariable}`,
    ...(setting.update === 'read-only' ? [] : wrap(UPDATES[setting.update], width - 4)),
  ].join('\n    ');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** With a file or settings: what comes of them, and where each value is from. Without: the listing. */
export async function config(flags: ConfigFlags): Promise<number> {
  if (flags.config === undefined && flags.set.length === 0) {
    if (flags.json) sayJson(describeConfig());
    else say(listing(Math.max(60, process.stdout.columns ?? 100)));
    return 0;
  }
  const checked = await brokerConfigOf(flags);
  const values = describeConfig().map(({ name }) => ({
    name,
    value: checked[name],
    from: checked.origins.get(name)?.where ?? 'default',
  }));
  if (flags.json) sayJson(Object.fromEntries(values.map(({ name, value, from }) => [name, { value, from }])));
  else for (const { name, value, from } of values) say(`${name} = ${JSON.stringify(value)}  (${from})`);
  return 0;
}
