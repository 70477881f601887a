/** The uuid that Kafka takes as "none". */
export const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** How many bytes each group of digits stands for. */
const GROUPS = [4, 2, 2, 2, 6] as const;

/** The canonical text of the 16 bytes at `at`; the caller has checked the bounds. */
export function uuidAt(bytes: Uint8Array, at: number): string {
  let text = '';
  let next = at;
  for (const group of GROUPS) {
    if (text !== '') text += '-';
    for (let i = 0; i < group; i++) text += HEX[bytes[next++]!];
  }
  return text;
}

export function isUuid(text: string): boolean {
  return text === ZERO_UUID || CANONICAL.test(text);
}

/** Writes the 16 bytes of a canonical uuid. */
export function putUuid(bytes: Uint8Array, at: number, text: string): void {
  if (text === ZERO_UUID) {
    bytes.fill(0, at, at + 16);
    return;
  }
  let next = at;
  for (let i = 0; i < text.length; i += 2) {
    if (text.charCodeAt(i) === 0x2d) i++;
    bytes[next++] = (digit(text.charCodeAt(i)) << 4) | digit(text.charCodeAt(i + 1));
  }
}

function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}
