import type { GroupApi, GroupRequests, GroupResponses } from '@ottla/groups';
import { ErrorCode } from '@ottla/protocol';
import type { GroupRequest } from '../services';

/** A coordinator on this broker, or the answer of there being none. */
export interface Coordinating {
  /** The same for groups that have the same coordinator; null for none. */
  readonly key: object | null;
  request<A extends GroupApi>(api: A, request: GroupRequest<A>): Promise<GroupResponses[A]>;
}

type CoordinatorOf = (groupId: string) => Coordinating | Promise<Coordinating>;

/** From here on OffsetFetch asks for several groups. */
const SEVERAL_GROUPS_VERSION = 8;

/**
 * How the requests that name several groups are taken apart and their answers put together: `groups` lists what is asked,
 * `id` tells its group, `only` makes the request for some of them, and `answers` lists what a response says of each.
 */
interface Splitting<A extends GroupApi, Item, Answer> {
  groups(body: GroupRequests[A]): readonly Item[];
  id(item: Item): string;
  only(body: GroupRequests[A], items: Item[]): GroupRequests[A];
  answers(response: GroupResponses[A]): readonly Answer[];
  answerId(answer: Answer): string;
  together(answers: Answer[]): GroupResponses[A];
}

const describeGroups: Splitting<'DescribeGroups', string, GroupResponses['DescribeGroups']['groups'][number]> = {
  groups: (body) => body.groups,
  id: (group) => group,
  only: (body, groups) => ({ ...body, groups }),
  answers: (response) => response.groups,
  answerId: (answer) => answer.groupId,
  together: (groups) => ({ groups }),
};

const deleteGroups: Splitting<'DeleteGroups', string, GroupResponses['DeleteGroups']['results'][number]> = {
  groups: (body) => body.groupsNames,
  id: (group) => group,
  only: (body, groupsNames) => ({ ...body, groupsNames }),
  answers: (response) => response.results,
  answerId: (answer) => answer.groupId,
  together: (results) => ({ results }),
};

type OffsetFetchGroup = GroupRequests['OffsetFetch']['groups'][number];
type OffsetFetchAnswer = NonNullable<GroupResponses['OffsetFetch']['groups']>[number];

const offsetFetch: Splitting<'OffsetFetch', OffsetFetchGroup, OffsetFetchAnswer> = {
  groups: (body) => body.groups,
  id: (group) => group.groupId,
  only: (body, groups) => ({ ...body, groups }),
  answers: (response) => response.groups ?? [],
  answerId: (answer) => answer.groupId,
  together: (groups) => ({ groups }),
};

/** Takes a request to the coordinator of its group, or its parts to those of its groups. */
export async function splitByCoordinator<A extends GroupApi>(
  api: A,
  request: GroupRequest<A>,
  coordinatorOf: CoordinatorOf,
): Promise<GroupResponses[A]> {
  const parts = partsOf(api, request, coordinatorOf);
  if (parts !== null) return (await parts) as GroupResponses[A];
  const { groupId } = request.body as { groupId: string };
  const coordinator = await coordinatorOf(groupId);
  return coordinator.request(api, request);
}

/** Null for a request that names one group. */
function partsOf(
  api: GroupApi,
  request: GroupRequest,
  coordinatorOf: CoordinatorOf,
): Promise<GroupResponses[GroupApi]> | null {
  if (api === 'DescribeGroups') {
    return split(api, request as GroupRequest<'DescribeGroups'>, describeGroups, coordinatorOf);
  }
  if (api === 'DeleteGroups') return split(api, request as GroupRequest<'DeleteGroups'>, deleteGroups, coordinatorOf);
  if (api !== 'OffsetFetch' || request.version < SEVERAL_GROUPS_VERSION) return null;
  return split(api, request as GroupRequest<'OffsetFetch'>, offsetFetch, coordinatorOf);
}

/** What all coordinators of this broker list. One that is still loading makes the answer an error, besides what is known. */
export async function listEverywhere(
  coordinators: readonly Coordinating[],
  request: GroupRequest<'ListGroups'>,
): Promise<GroupResponses['ListGroups']> {
  const lists = await Promise.all(coordinators.map((coordinator) => coordinator.request('ListGroups', request)));
  const failed = lists.find((list) => list.errorCode !== ErrorCode.NONE);
  return { errorCode: failed?.errorCode ?? ErrorCode.NONE, groups: lists.flatMap((list) => list.groups) };
}

async function split<A extends GroupApi, Item, Answer>(
  api: A,
  request: GroupRequest<A>,
  splitting: Splitting<A, Item, Answer>,
  coordinatorOf: CoordinatorOf,
): Promise<GroupResponses[A]> {
  const { body } = request;
  const parts = new Map<object | null, { coordinator: Coordinating; items: Item[] }>();
  const items = splitting.groups(body);
  const coordinators = await Promise.all(items.map((item) => coordinatorOf(splitting.id(item))));
  for (const [index, item] of items.entries()) {
    const coordinator = coordinators[index]!;
    const part = parts.get(coordinator.key) ?? { coordinator, items: [] };
    part.items.push(item);
    parts.set(coordinator.key, part);
  }
  const responses = await Promise.all(
    [...parts.values()].map((part) =>
      part.coordinator.request(api, { ...request, body: splitting.only(body, part.items) }),
    ),
  );
  const answers = responses.flatMap((response) => splitting.answers(response));
  const order = new Map(items.map((item, index) => [splitting.id(item), index]));
  answers.sort((a, b) => order.get(splitting.answerId(a))! - order.get(splitting.answerId(b))!);
  return splitting.together(answers);
}
