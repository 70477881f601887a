import { ALL_BROKERS, type ClusterImage, type ConfigRecord, type Versioned } from '@ottla/metadata';
import type { Logger } from '@ottla/runtime';
import { type BrokerConfig, isSettingName, parseSetting, type SettingName, settingNamed } from '../schema';

type Layer = ReadonlyMap<SettingName, unknown>;
type Stored = Versioned<ConfigRecord> | undefined;

const ALL = `brokers/${ALL_BROKERS}`;
const NOTHING: Layer = new Map();

/** A broker's settings as they are now: what it was started with, under what the metadata store says since. */
export class DynamicConfig {
  private current: BrokerConfig;
  private readonly own: string;
  private ofBroker: Stored;
  private ofCluster: Stored;

  constructor(
    private readonly started: BrokerConfig,
    private readonly logger: Logger,
  ) {
    this.current = started;
    this.own = `brokers/${started['node.id']}`;
  }

  /** The settings under this image; the same object for as long as none of them changed. */
  in(image: Pick<ClusterImage, 'configs'>): BrokerConfig {
    const ofBroker = image.configs.get(this.own);
    const ofCluster = image.configs.get(ALL);
    if (ofBroker === this.ofBroker && ofCluster === this.ofCluster) return this.current;
    this.ofBroker = ofBroker;
    this.ofCluster = ofCluster;
    this.current = layered(this.started, this.layer(ofBroker, 'ofBroker'), this.layer(ofCluster, 'ofCluster'));
    return this.current;
  }

  /** A value that this version doesn't take is passed over: the broker goes on with the next layer's. */
  private layer(stored: Stored, of: 'ofBroker' | 'ofCluster'): Layer {
    if (stored === undefined) return NOTHING;
    const values = new Map<SettingName, unknown>();
    for (const [name, text] of Object.entries(stored.value.configs)) {
      const parsed = isSettingName(name) && isDynamic(name, of) ? parseSetting(name, text) : null;
      if (parsed !== null) values.set(name as SettingName, parsed.value);
      else this.logger.warn(`the stored setting ${name}=${text} is passed over: this version doesn't take it`);
    }
    return values;
  }
}

/** Settings with other layers over what the broker was started with. */
export function layered(started: BrokerConfig, ofBroker: Layer, ofCluster: Layer): BrokerConfig {
  const over = { ...Object.fromEntries(ofCluster), ...Object.fromEntries(ofBroker) };
  return { ...started, ...over, layers: { ...started.layers, ofBroker, ofCluster } };
}

/** Whether a setting can be changed while brokers run: for one broker alone, or for all. */
export function isDynamic(name: SettingName, layer: 'ofBroker' | 'ofCluster'): boolean {
  const { update } = settingNamed(name);
  return layer === 'ofCluster' ? update !== 'read-only' : update === 'per-broker';
}
