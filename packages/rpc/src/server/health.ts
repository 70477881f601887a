import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListRequest,
  type HealthListResponse,
  ServingStatus,
} from '../generated/health';
import { healthDescriptor } from '../generated/health-descriptor';
import { Codecs } from '../wire/codec';
import type { ServiceHost } from '../wire/service';
import { serviceDefinition } from '../wire/service';

export type ServingState = 'serving' | 'not-serving';

export interface Health {
  set(service: string, state: ServingState): void;
}

type Watch = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

const NOT_FOUND = 5;
const healthService = serviceDefinition(healthDescriptor, new Codecs(healthDescriptor), 'grpc.health.v1.Health');

/** Adds the standard health service. The server as a whole ('') serves until told otherwise. */
export function addHealth(server: ServiceHost): Health {
  const states = new Map<string, ServingStatus>([['', ServingStatus.SERVING]]);
  const watches = new Map<Watch, string>();
  const statusOf = (service: string): ServingStatus => states.get(service) ?? ServingStatus.SERVICE_UNKNOWN;

  server.addService(healthService, {
    Check: (
      call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      answer: sendUnaryData<HealthCheckResponse>,
    ) => {
      const status = states.get(call.request.service);
      if (status === undefined) answer({ code: NOT_FOUND, details: `there is no service ${call.request.service}` });
      else answer(null, { status });
    },
    List: (
      _call: ServerUnaryCall<HealthListRequest, HealthListResponse>,
      answer: sendUnaryData<HealthListResponse>,
    ) => {
      answer(null, { statuses: Object.fromEntries([...states].map(([name, status]) => [name, { status }])) });
    },
    Watch: (call: Watch) => {
      const { service } = call.request;
      watches.set(call, service);
      call.on('cancelled', () => watches.delete(call));
      call.write({ status: statusOf(service) });
    },
  });

  server.onClosing(() => {
    for (const call of watches.keys()) call.end();
    watches.clear();
  });

  return {
    set: (service, state) => {
      const status = state === 'serving' ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
      if (states.get(service) === status) return;
      states.set(service, status);
      for (const [call, watched] of watches) if (watched === service) call.write({ status });
    },
  };
}
