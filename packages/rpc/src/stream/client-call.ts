import type { Client, ClientDuplexStream, Metadata, MethodDefinition, StatusObject } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import { CallStream, type Framing, type MessageStream, type StreamOptions, type Transport } from './message-stream';
import { fromStatus } from './status';

export interface ClientStreamOptions<Out, In> extends StreamOptions {
  readonly client: Client;
  readonly method: MethodDefinition<Out, In>;
  readonly metadata: Metadata;
  /** How long until the other side must have accepted the call. */
  readonly connectTimeoutMs: number;
  /** Called once the call is over. */
  onReleased(): void;
}

/** Opens a bidirectional call and gives it as a stream. Failures, that of connecting too, arrive as its `onClose`. */
export function openStream<Send, Receive, Out, In>(
  framing: Framing<Send, Receive, Out, In>,
  options: ClientStreamOptions<Out, In>,
): MessageStream<Send, Receive> {
  const { client, method, metadata, remote, connectTimeoutMs } = options;
  const { path, requestSerialize, responseDeserialize } = method;
  const call = client.makeBidiStreamRequest<Out, In>(path, requestSerialize, responseDeserialize, metadata, {});
  const stream = new CallStream(framing, transportOf(call), options);
  const deadline = options.clock.after(connectTimeoutMs, () => {
    stream.ended(new OttlaError('NETWORK_EXCEPTION', `${remote} did not answer within ${connectTimeoutMs} ms`));
    call.cancel();
  });
  let accepted = false;
  call.on('metadata', () => {
    accepted = true;
    deadline.cancel();
  });
  call.on('data', (packed: In) => stream.received(packed));
  // grpc-js emits 'error' before 'end', so that an end without an error is one in good order.
  call.on('error', (error) => stream.ended(failure(error, remote, accepted)));
  call.on('end', () => stream.ended(null));
  call.on('status', () => {
    deadline.cancel();
    options.onReleased();
  });
  return stream;
}

function failure(error: Error & Partial<StatusObject>, remote: string, accepted: boolean): OttlaError {
  const { details = error.message, ...rest } = error;
  const known = fromStatus({ ...rest, details }, remote);
  if (accepted || known.code !== 'NETWORK_EXCEPTION') return known;
  return new OttlaError(known.code, `can't connect to ${known.message}`, { cause: error });
}

function transportOf<Out, In>(call: ClientDuplexStream<Out, In>): Transport<Out> {
  return {
    write: (packed, done) => {
      call.write(packed, done);
    },
    // The server answers the end of this side with the end of the call.
    finish: () => {
      call.end();
    },
    abort: () => call.cancel(),
    pause: () => {
      call.pause();
    },
    resume: () => {
      call.resume();
    },
  };
}
