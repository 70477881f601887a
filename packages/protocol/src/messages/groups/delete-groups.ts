import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 2 is flexible. */
export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexibleFrom: 2,
  request: {
    groupsNames: f.array('0+', 'string'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    results: f.array('0+', {
      groupId: f.string('0+'),
      errorCode: f.int16('0+'),
    }),
  },
});

export type DeleteGroupsRequest = MessageOf<typeof DeleteGroups.request>;
export type DeleteGroupsResponse = InputOf<typeof DeleteGroups.response>;
