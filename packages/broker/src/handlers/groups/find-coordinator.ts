import { partitionForGroup } from '@ottla/groups';
import type { ClusterImage, TopicRecord } from '@ottla/metadata';
import { apis, ErrorCode, type FindCoordinatorResponse, OttlaError, toOttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { advertisedEndpoint } from '../advertised';
import { type Connection, defineHandler } from '../handler';
import { imageWhen } from '../image-wait';
import { partitionRecord } from '../topic-lookup';
import { ensureOffsetsTopic } from '../topics/topic-creation';

type Coordinator = NonNullable<FindCoordinatorResponse['coordinators']>[number];
type Leader = Omit<Coordinator, 'key'>;

const NO_ERROR = { errorCode: ErrorCode.NONE, errorMessage: null };
const GROUP = 0;
const TRANSACTION = 1;
/** From here on several keys are asked for at once. */
const SEVERAL_KEYS_VERSION = 4;

/** Who coordinates a consumer group: the leader of its partition of `__consumer_offsets`, which is created when missing. */
export const findCoordinator = defineHandler(apis.FindCoordinator, {
  async handle({ body, header, connection }, services) {
    const several = header.apiVersion >= SEVERAL_KEYS_VERSION;
    const keys = several ? body.coordinatorKeys : [body.key];
    requireGroups(body.keyType);
    const topic = await offsetsTopic(services);
    const leaders = new Map<number, Promise<Leader>>();
    const find = async (key: string): Promise<Coordinator> => {
      const partition = partitionForGroup(key, topic.partitions);
      const leader = leaders.get(partition) ?? leaderOf(partition, topic, services, connection);
      leaders.set(partition, leader);
      return { key, ...(await leader) };
    };
    const coordinators = await Promise.all(keys.map(find));
    return several ? { coordinators } : { ...coordinators[0]! };
  },

  failure({ body, header }, error) {
    const several = header.apiVersion >= SEVERAL_KEYS_VERSION;
    const coordinators = (several ? body.coordinatorKeys : [body.key]).map((key) => ({ key, ...nobody(error) }));
    return several ? { coordinators } : { ...coordinators[0]! };
  },
});

function requireGroups(keyType: number): void {
  if (keyType === GROUP) return;
  if (keyType === TRANSACTION) {
    // The one code on which every client gives up at once instead of asking again.
    throw new OttlaError(
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
      'transactions are not supported: produce without a transactional id (idempotence works without one)',
    );
  }
  throw new OttlaError('INVALID_REQUEST', `coordinators of type ${keyType} are not supported, only groups (${GROUP})`);
}

async function offsetsTopic(services: BrokerServices): Promise<TopicRecord> {
  try {
    return await ensureOffsetsTopic(services);
  } catch (thrown) {
    const error = toOttlaError(thrown);
    services.logger.warn(`the topic of consumer groups could not be created: ${error.message}`);
    throw new OttlaError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error });
  }
}

/** Waits for an election that is under way: one takes no longer than it takes to notice that a broker is dead. */
async function leaderOf(
  partition: number,
  topic: TopicRecord,
  services: BrokerServices,
  connection: Connection,
): Promise<Leader> {
  const find = (image: ClusterImage): Leader | null => {
    const leader = partitionRecord(image, topic.topicId, partition)?.leader;
    const registration = leader == null ? undefined : image.brokers.get(leader.broker)?.value;
    if (registration === undefined || registration.run !== leader!.run) return null;
    const address = advertisedEndpoint(registration, image, services, connection);
    return address === null ? null : { nodeId: registration.broker, ...address, ...NO_ERROR };
  };
  const timeoutMs = services.config['broker.session.timeout.ms'];
  const image = await imageWhen(services, (changed) => find(changed) !== null, timeoutMs);
  if (image !== null) return find(image)!;
  const message = `${topic.name}-${partition}, which coordinates this group, has had no leader for ${timeoutMs} ms`;
  return nobody(new OttlaError('COORDINATOR_NOT_AVAILABLE', message));
}

function nobody(error: OttlaError): Leader {
  return { nodeId: -1, host: '', port: -1, errorCode: error.errorCode, errorMessage: error.message };
}
