import type * as door from '../generated/door';
import type { Framing } from '../stream/message-stream';

/** More than the fields of any message beside its records take. */
const FIELDS_BYTES = 64;

const statusTellsErrors = { packError: () => null, unpackError: () => null };

export const producerFraming: Framing<
  door.ProduceEntry,
  door.ProduceResult,
  door.ProduceRequest,
  door.ProduceResponse
> = {
  ...statusTellsErrors,
  sizeOf: (entry) => FIELDS_BYTES + entry.records.length,
  pack: (entries) => ({ entries }),
  unpack: ({ results }) => results,
};

export const produceServerFraming: Framing<
  door.ProduceResult,
  door.ProduceEntry,
  door.ProduceResponse,
  door.ProduceRequest
> = {
  ...statusTellsErrors,
  sizeOf: (result) => FIELDS_BYTES + result.errorMessage.length,
  pack: (results) => ({ results }),
  unpack: ({ entries }) => entries,
};

export const consumerFraming: Framing<door.FetchRequest, door.FetchResult, door.FetchRequest, door.FetchResponse> = {
  ...statusTellsErrors,
  sizeOf: ({ subscribe, credit, unsubscribe }) =>
    FIELDS_BYTES * (subscribe.length + credit.length + unsubscribe.length + 1),
  pack: (requests) => ({
    subscribe: requests.flatMap(({ subscribe }) => subscribe),
    credit: requests.flatMap(({ credit }) => credit),
    unsubscribe: requests.flatMap(({ unsubscribe }) => unsubscribe),
  }),
  unpack: ({ results }) => results,
};

export const fetchServerFraming: Framing<door.FetchResult, door.FetchRequest, door.FetchResponse, door.FetchRequest> = {
  ...statusTellsErrors,
  sizeOf: (result) => FIELDS_BYTES + result.records.length + result.errorMessage.length,
  pack: (results) => ({ results }),
  unpack: (request) => [request],
};
