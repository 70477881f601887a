import { environmentVariable } from './load';
import { brokerSettings, type SettingName, settingNamed } from './schema';
import { documentation, type UpdateMode } from './setting';

/** A setting as `ottla config --help` shows it. */
export interface SettingDescription {
  readonly name: SettingName;
  readonly environmentVariable: string;
  readonly type: string;
  /** What values it takes, as a phrase: 'a whole number from 0 to 100'. */
  readonly expects: string;
  readonly unit: string | null;
  readonly default: string;
  readonly doc: string;
  /** How it can be changed while brokers run. */
  readonly update: UpdateMode;
}

/** Every setting of a broker, in the order in which they are declared. */
export function describeConfig(): SettingDescription[] {
  return (Object.keys(brokerSettings) as SettingName[]).map((name) => {
    const setting = settingNamed(name);
    return {
      name,
      environmentVariable: environmentVariable(name),
      type: setting.kind.type,
      expects: setting.kind.expects,
      unit: setting.kind.unit,
      default: setting.kind.format(setting.default),
      doc: documentation(setting),
      update: setting.update,
    };
  });
}
