const PREFACE = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const ENOUGH = 4;

/**
 * Whether a connection's first bytes open HTTP/2, and so gRPC without TLS. Four bytes are enough to tell from a Kafka
 * request, whose first four are a length that no broker accepts; fewer answer false.
 */
export function looksLikeHttp2(firstBytes: Uint8Array): boolean {
  if (firstBytes.length < ENOUGH) return false;
  const length = Math.min(firstBytes.length, PREFACE.length);
  for (let i = 0; i < length; i++) if (firstBytes[i] !== PREFACE[i]) return false;
  return true;
}
