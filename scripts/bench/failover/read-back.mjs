// Reads everything back, by kcat, and compares it with what the load was told.
import { harnessModule } from '../../harness.mjs';

const { kcat } = harnessModule('kcat');

/** Every value of partition 0 of the topic, in the order of the log. */
export function readSequences(bootstrap, topic) {
  const args = ['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%s\\n', '-X', 'check.crcs=true'];
  return kcat(bootstrap, args).toString().split('\n').filter(Boolean).map(Number);
}

/**
 * What must be empty: `lost` was acknowledged and isn't there, `duplicated` is there more than once, `reordered` is there
 * behind a later one.
 */
export function compare(acknowledged, read) {
  const present = new Set(read);
  const seen = new Set();
  const duplicated = [];
  const reordered = [];
  let highest = -1;
  for (const sequence of read) {
    if (seen.has(sequence)) duplicated.push(sequence);
    else if (sequence < highest) reordered.push(sequence);
    seen.add(sequence);
    highest = Math.max(highest, sequence);
  }
  const lost = acknowledged.map(({ sequence }) => sequence).filter((sequence) => !present.has(sequence));
  return { lost, duplicated, reordered };
}
