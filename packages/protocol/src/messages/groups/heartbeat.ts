import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 1 adds the throttle time; 3 static membership (KIP-345); 4 is flexible. */
export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexibleFrom: 4,
  request: {
    groupId: f.string('0+'),
    generationId: f.int32('0+'),
    memberId: f.string('0+'),
    groupInstanceId: f.string('3+').nullable('3+').default(null),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    errorCode: f.int16('0+'),
  },
});

export type HeartbeatRequest = MessageOf<typeof Heartbeat.request>;
export type HeartbeatResponse = InputOf<typeof Heartbeat.response>;
