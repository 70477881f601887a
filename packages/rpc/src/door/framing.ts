import type * as door from '../generated/door';
import type { Framing } from '../stream/message-stream';

/** More than the fields of any message beside its records take. */
const FIELDS_BYTES = 64;

/** The call's status says why a side closes; for the door it is all the same whether a client left or broke off. */
const noFarewell = { packFarewell: () => null, unpackFarewell: () => undefined, expectsFarewell: false };

export const producerFraming: Framing<
  door.ProduceEntry,
  door.ProduceResult,
  door.ProduceRequest,
  door.ProduceResponse
> = {
  ...noFarewell,
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
  ...noFarewell,
  sizeOf: (result) => FIELDS_BYTES + result.errorMessage.length,
  pack: (results) => ({ results }),
  unpack: ({ entries }) => entries,
};

export const consumerFraming: Framing<door.FetchRequest, door.FetchResult, door.FetchRequest, door.FetchResponse> = {
  ...noFarewell,
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
  ...noFarewell,
  sizeOf: (result) => FIELDS_BYTES + result.records.length + result.errorMessage.length,
  pack: (results) => ({ results }),
  unpack: (request) => [request],
};
