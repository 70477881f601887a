import type { CallOptions, Interceptor } from '@grpc/grpc-js';

const addHeader: Interceptor = (options, nextCall) => {
  // Loaded here: only who has connected to etcd needs it, and has loaded it already.
  const { InterceptingCall } = require('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
  return new InterceptingCall(nextCall(options), {
    start: (metadata, listener, next) => {
      metadata.set('hasleader', 'true');
      next(metadata, listener);
    },
  });
};

/** For streams: a member that has lost its leader ends them, instead of going quiet. */
export const requireLeader: CallOptions = { interceptors: [addHeader] };
