import { OttlaError } from '@ottla/protocol';

/** Types of resources that have configs, by Kafka's numbers. */
export const ConfigResource = { TOPIC: 2, BROKER: 4 } as const;

/** Throws INVALID_REQUEST for a resource that has no configs here. */
export function requireConfigurable(resourceType: number): void {
  if (resourceType === ConfigResource.TOPIC || resourceType === ConfigResource.BROKER) return;
  const { TOPIC, BROKER } = ConfigResource;
  throw new OttlaError(
    'INVALID_REQUEST',
    `configs of resource type ${resourceType} are not supported: topics (${TOPIC}) and brokers (${BROKER}) are`,
  );
}
