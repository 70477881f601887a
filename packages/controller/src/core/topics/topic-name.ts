import { OttlaError } from '@ottla/protocol';

export const MAX_TOPIC_NAME_LENGTH = 249;

/** @throws OttlaError INVALID_TOPIC_EXCEPTION saying which of Kafka's rules for topic names is broken. */
export function checkTopicName(name: string): void {
  const reason = reasonInvalid(name);
  if (reason !== null) throw new OttlaError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${reason}`);
}

function reasonInvalid(name: string): string | null {
  if (name === '') return 'the empty string is not allowed';
  if (name === '.' || name === '..') return `'${name}' is not allowed`;
  if (name.length > MAX_TOPIC_NAME_LENGTH) {
    return `the length of '${name}' is longer than the max allowed length ${MAX_TOPIC_NAME_LENGTH}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return null;
}

/** The first of `existing` that differs from `name` only in '.' for '_': metrics can't tell the two apart. */
export function collidingTopic(name: string, existing: Iterable<string>): string | null {
  if (!/[._]/.test(name)) return null;
  const unified = unify(name);
  for (const other of existing) if (other !== name && unify(other) === unified) return other;
  return null;
}

function unify(name: string): string {
  return name.replaceAll('.', '_');
}
