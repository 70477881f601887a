import type { ServerDuplexStream } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import { grpc } from './grpc';
import { CallStream, type Framing, type MessageStream, type StreamOptions, type Transport } from './message-stream';
import { toStatus } from './status';

/** Accepts a bidirectional call and gives it as a stream. */
export function acceptStream<Send, Receive, Out, In>(
  framing: Framing<Send, Receive, Out, In>,
  call: ServerDuplexStream<In, Out>,
  options: Omit<StreamOptions, 'remote'>,
): MessageStream<Send, Receive> {
  const remote = call.getPeer();
  const transport = transportOf(call);
  const stream = new CallStream(framing, transport, { ...options, remote });
  // The client waits for this before it counts the call as accepted.
  call.sendMetadata(new (grpc().Metadata)());
  call.on('data', (packed: In) => stream.received(packed));
  call.on('end', () => {
    stream.receivedEnd();
    if (stream.over) transport.finish(null);
  });
  call.on('cancelled', () => stream.ended(new OttlaError('NETWORK_EXCEPTION', `${remote} disconnected`)));
  return stream;
}

/** Ends a call that was not accepted. */
export function refuseStream<In, Out>(call: ServerDuplexStream<In, Out>, error: OttlaError): void {
  call.emit('error', toStatus(error));
}

function transportOf<In, Out>(call: ServerDuplexStream<In, Out>): Transport<Out> {
  let finished = false;
  const finish = (error: OttlaError | null): void => {
    if (finished) return;
    finished = true;
    // grpc-js takes the status from an 'error' event, and sends it after what was written.
    if (error === null) call.end();
    else call.emit('error', toStatus(error));
  };
  return {
    write: (packed, done) => {
      call.write(packed, done);
    },
    finish,
    // The server has no means to cut one call of a connection: what was written goes first.
    abort: () => finish(new OttlaError('NETWORK_EXCEPTION', 'the stream is closed')),
    pause: () => {
      call.pause();
    },
    resume: () => {
      call.resume();
    },
  };
}
