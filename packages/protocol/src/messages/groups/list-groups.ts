import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 1 adds the throttle time; 3 is flexible; 4 adds states and a filter by them (KIP-518); 5 types and a filter by
 * them (KIP-848). An empty filter lets everything through.
 */
export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexibleFrom: 3,
  request: {
    statesFilter: f.array('4+', 'string'),
    typesFilter: f.array('5+', 'string'),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    errorCode: f.int16('0+'),
    groups: f.array('0+', {
      groupId: f.string('0+'),
      protocolType: f.string('0+'),
      groupState: f.string('4+'),
      groupType: f.string('5+'),
    }),
  },
});

export type ListGroupsRequest = MessageOf<typeof ListGroups.request>;
export type ListGroupsResponse = InputOf<typeof ListGroups.response>;
