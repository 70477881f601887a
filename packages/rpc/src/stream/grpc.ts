/** grpc-js, loaded when first needed: it takes longer to load than a broker's first answer may take. */
export function grpc(): typeof import('@grpc/grpc-js') {
  return require('@grpc/grpc-js');
}
