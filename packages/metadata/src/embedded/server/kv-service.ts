import { status } from '@grpc/grpc-js';
import type { Operation } from '../../machine/requests';
import type { StoreMachine } from '../../machine/store-machine';
import type { DeleteRangeRequestMessage, PutRequestMessage, RangeRequestMessage, TxnRequestMessage } from './messages';
import { opened, type ServedStore } from './served-store';
import type { Received } from './service-definitions';
import { StatusError } from './status';
import { fromDelete, fromPut, fromRange, fromResult, toDelete, toPut, toRange, toTransaction } from './translation';

/** etcdserverpb.KV */
export function kvService(served: ServedStore) {
  return {
    Range: (received: Received<RangeRequestMessage>) => {
      const request = toRange(opened(received));
      if (request.range.start === '') throw new StatusError(status.INVALID_ARGUMENT, 'etcdserver: key is not provided');
      return served.answer((machine) => ({ result: fromRange(machine.range(request)) }));
    },
    Put: (received: Received<PutRequestMessage>) => {
      const put = toPut(opened(received));
      return served.answer((machine) => {
        const { outcome, records } = single(machine, { type: 'put', ...put });
        return { result: fromPut(outcome.type === 'put' ? outcome.previous : null), records };
      });
    },
    DeleteRange: (received: Received<DeleteRangeRequestMessage>) => {
      const request = toDelete(opened(received));
      return served.answer((machine) => {
        const { outcome, records } = single(machine, { type: 'delete', ...request });
        const { deleted, previous } = outcome.type === 'delete' ? outcome : { deleted: 0, previous: [] };
        return { result: fromDelete(deleted, previous), records };
      });
    },
    Txn: (received: Received<TxnRequestMessage>) => {
      const transaction = toTransaction(opened(received));
      return served.answer((machine) => {
        const { result, record } = machine.transact(transaction);
        const header = served.header(machine.revision);
        const responses = result.results.map(fromResult).map((response) => withHeaders(response, header));
        return { result: { succeeded: result.succeeded, responses }, records: record === null ? [] : [record] };
      });
    },
    Compact: (received: Received<{ readonly revision: string }>) => {
      const revision = Number(opened(received).revision);
      return served.answer((machine) => ({ result: {}, records: [machine.compact(revision)] }));
    },
  };
}

function single(machine: StoreMachine, operation: Operation) {
  const { result, record } = machine.transact({ guards: [], success: [operation], failure: [] });
  return { outcome: result.results[0]!, records: record === null ? [] : [record] };
}

function withHeaders(response: object, header: object): object {
  return Object.fromEntries(Object.entries(response).map(([name, inner]) => [name, { ...inner, header }]));
}
