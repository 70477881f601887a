// Written by scripts/proto.mjs from proto/. Do not edit.

export interface HealthCheckRequest {
  service: string;
}

export interface HealthCheckResponse {
  status: ServingStatus;
}

export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
} as const;
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

export type HealthListRequest = Record<string, never>;

export interface HealthListResponse {
  statuses: Record<string, HealthCheckResponse>;
}
