import { apis, ErrorCode, isRetriable, OttlaError, toOttlaError } from '@ottla/protocol';
import { defineHandler } from '../handler';

/** Gives an idempotent producer its id. Every call gives a new one. */
export const initProducerId = defineHandler(apis.InitProducerId, {
  async handle({ body }, services) {
    if (body.transactionalId !== null) {
      // The one code on which every client gives up at once instead of asking again.
      throw new OttlaError(
        'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
        `transactional id ${body.transactionalId}: transactions are not supported`,
      );
    }
    try {
      const { producerId, producerEpoch } = await services.producerIds.next();
      return { errorCode: ErrorCode.NONE, producerId, producerEpoch };
    } catch (thrown) {
      const error = toOttlaError(thrown);
      services.logger.warn(`no producer id could be given out: ${error.message}`);
      // On this code clients ask the same broker again; other retriable ones are fatal to some producers.
      if (isRetriable(error.code))
        throw new OttlaError('COORDINATOR_LOAD_IN_PROGRESS', error.message, { cause: error });
      throw error;
    }
  },

  failure: (_request, error) => ({ errorCode: error.errorCode, producerId: -1, producerEpoch: -1 }),
});
