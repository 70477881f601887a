import { type CallOptions, InterceptingCall, type Interceptor } from '@grpc/grpc-js';

const addHeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start: (metadata, listener, next) => {
      metadata.set('hasleader', 'true');
      next(metadata, listener);
    },
  });

/** For streams: a member that has lost its leader ends them, instead of going quiet. */
export const requireLeader: CallOptions = { interceptors: [addHeader] };
