import { ErrorCode, type ErrorName, errorName, isRetriable, OttlaError, toOttlaError } from '../src';

describe('error codes', () => {
  it('are all different, without gaps from UNKNOWN_SERVER_ERROR on', () => {
    const codes = Object.values(ErrorCode).sort((a, b) => a - b);
    expect(codes).toEqual(codes.map((_, i) => i - 1));
  });

  it('and names lead to each other', () => {
    for (const name of Object.keys(ErrorCode) as ErrorName[]) expect(errorName(ErrorCode[name])).toBe(name);
  });

  it('that are unknown read as UNKNOWN_SERVER_ERROR', () => {
    expect([errorName(9999), errorName(-2)]).toEqual(['UNKNOWN_SERVER_ERROR', 'UNKNOWN_SERVER_ERROR']);
  });

  it.each<[ErrorName, boolean]>([
    ['NOT_LEADER_OR_FOLLOWER', true],
    ['NOT_ENOUGH_REPLICAS', true],
    ['CORRUPT_MESSAGE', true],
    ['COORDINATOR_LOAD_IN_PROGRESS', true],
    ['UNKNOWN_TOPIC_ID', true],
    ['MESSAGE_TOO_LARGE', false],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', false],
    ['UNKNOWN_SERVER_ERROR', false],
    ['NONE', false],
  ])('%s: retriable is %s', (name, retriable) => expect(isRetriable(name)).toBe(retriable));
});

describe('OttlaError', () => {
  it('carries the name, the number and whether to retry', () => {
    const error = new OttlaError('REQUEST_TIMED_OUT', 'no answer from broker 2 in 500 ms', { cause: 'silence' });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'OttlaError', code: 'REQUEST_TIMED_OUT', errorCode: 7, retriable: true });
    expect([error.message, error.cause]).toEqual(['no answer from broker 2 in 500 ms', 'silence']);
    expect('cause' in new OttlaError('REQUEST_TIMED_OUT', '')).toBe(false);
  });

  it('toOttlaError: leaves one as it is and wraps anything else, keeping it as the cause', () => {
    const own = new OttlaError('INVALID_TOPIC_EXCEPTION', 'no');
    expect(toOttlaError(own)).toBe(own);
    const other = new RangeError('too far');
    expect(toOttlaError(other)).toMatchObject({ code: 'UNKNOWN_SERVER_ERROR', message: 'too far', cause: other });
    expect(toOttlaError('text')).toMatchObject({ message: 'text', cause: 'text' });
    expect(toOttlaError(undefined)).toMatchObject({ message: 'undefined', cause: undefined });
  });
});
