import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 2 is flexible; 3 lets a producer go on with the id that it had (KIP-360); 4 may answer PRODUCER_FENCED and 5
 * TRANSACTION_ABORTABLE (KIP-890).
 */
export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexibleFrom: 2,
  request: {
    transactionalId: f.string('0+').nullable('0+'),
    transactionTimeoutMs: f.int32('0+'),
    producerId: f.int64('3+').default(-1),
    producerEpoch: f.int16('3+').default(-1),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('0+'),
    producerId: f.int64('0+').default(-1),
    producerEpoch: f.int16('0+'),
  },
});

export type InitProducerIdRequest = MessageOf<typeof InitProducerId.request>;
export type InitProducerIdResponse = InputOf<typeof InitProducerId.response>;
