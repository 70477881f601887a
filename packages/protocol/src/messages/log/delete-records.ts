import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Moves the log start of partitions (KIP-107). An offset of -1 stands for the high watermark. Version 2 is flexible. */
export const DeleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexibleFrom: 2,
  request: {
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        offset: f.int64('0+'),
      }),
    }),
    timeoutMs: f.int32('0+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        lowWatermark: f.int64('0+'),
        errorCode: f.int16('0+'),
      }),
    }),
  },
});

export type DeleteRecordsRequest = MessageOf<typeof DeleteRecords.request>;
export type DeleteRecordsResponse = InputOf<typeof DeleteRecords.response>;
