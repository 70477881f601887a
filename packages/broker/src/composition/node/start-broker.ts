import type { Logger } from '@ottla/runtime';
import type { BrokerConfig } from '../../config/schema';
import { type RunningBroker, startBrokerOn } from '../broker';
import { nodePorts } from './node-ports';
import { createLogger } from './winston-logger';

/** Starts a broker in this process. Resolves when it serves; rejects, with everything closed again, when it can't. */
export function startBroker(config: BrokerConfig, logger: Logger = loggerOf(config)): Promise<RunningBroker> {
  return startBrokerOn(nodePorts, config, logger);
}

function loggerOf(config: BrokerConfig): Logger {
  const { 'logging.level': level, 'logging.format': format, 'node.id': broker } = config;
  return createLogger({ level, format, fields: { broker } });
}
