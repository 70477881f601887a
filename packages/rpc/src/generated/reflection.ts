// Written by scripts/proto.mjs from proto/. Do not edit.

export interface ServerReflectionRequest {
  host: string;
  fileByFilename?: string | null;
  fileContainingSymbol?: string | null;
  fileContainingExtension?: ExtensionRequest | null;
  allExtensionNumbersOfType?: string | null;
  listServices?: string | null;
}

export interface ExtensionRequest {
  containingType: string;
  extensionNumber: number;
}

export interface ServerReflectionResponse {
  validHost: string;
  originalRequest?: ServerReflectionRequest | null;
  fileDescriptorResponse?: FileDescriptorResponse | null;
  allExtensionNumbersResponse?: ExtensionNumberResponse | null;
  listServicesResponse?: ListServiceResponse | null;
  errorResponse?: ErrorResponse | null;
}

export interface FileDescriptorResponse {
  fileDescriptorProto: Uint8Array[];
}

export interface ExtensionNumberResponse {
  baseTypeName: string;
  extensionNumber: number[];
}

export interface ListServiceResponse {
  service: ServiceResponse[];
}

export interface ServiceResponse {
  name: string;
}

export interface ErrorResponse {
  errorCode: number;
  errorMessage: string;
}
