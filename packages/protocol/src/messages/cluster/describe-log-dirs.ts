import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Sizes of logs (KIP-113). Version 2 is flexible; 3 adds an error of the request as a whole; 4 the file system's sizes (KIP-827). */
export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-4',
  flexibleFrom: 2,
  request: {
    topics: f
      .array('0+', {
        topic: f.string('0+'),
        partitions: f.array('0+', 'int32'),
      })
      .nullable('0+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('3+'),
    results: f.array('0+', {
      errorCode: f.int16('0+'),
      logDir: f.string('0+'),
      topics: f.array('0+', {
        name: f.string('0+'),
        partitions: f.array('0+', {
          partitionIndex: f.int32('0+'),
          partitionSize: f.int64('0+'),
          offsetLag: f.int64('0+'),
          isFutureKey: f.bool('0+'),
        }),
      }),
      totalBytes: f.int64('4+').default(-1),
      usableBytes: f.int64('4+').default(-1),
    }),
  },
});

export type DescribeLogDirsRequest = MessageOf<typeof DescribeLogDirs.request>;
export type DescribeLogDirsResponse = InputOf<typeof DescribeLogDirs.response>;
