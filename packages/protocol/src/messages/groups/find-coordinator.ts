import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 1 adds the key type, 0 for groups and 1 for transactions, and the error message; 3 is flexible; 4 asks for
 * several keys at once (KIP-699); 5 may answer TRANSACTION_ABORTABLE (KIP-890); 6 adds share groups (KIP-932).
 */
export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexibleFrom: 3,
  request: {
    key: f.string('0-3'),
    keyType: f.int8('1+').default(0),
    coordinatorKeys: f.array('4+', 'string'),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    errorCode: f.int16('0-3'),
    errorMessage: f.string('1-3').nullable('1-3'),
    nodeId: f.int32('0-3'),
    host: f.string('0-3'),
    port: f.int32('0-3'),
    coordinators: f.array('4+', {
      key: f.string('0+'),
      nodeId: f.int32('0+'),
      host: f.string('0+'),
      port: f.int32('0+'),
      errorCode: f.int16('0+'),
      errorMessage: f.string('0+').nullable('0+'),
    }),
  },
});

export type FindCoordinatorRequest = MessageOf<typeof FindCoordinator.request>;
export type FindCoordinatorResponse = InputOf<typeof FindCoordinator.response>;
