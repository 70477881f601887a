import { ManualClock } from '@ottla/runtime';
import { WriteFailures } from '../../src/partition/write-failures';
import { LogLines } from '../support/fake-services';

it('a full disk is told once when it begins and once when it is over, however many writes fail', () => {
  const clock = new ManualClock();
  const logger = new LogLines();
  const failures = new WriteFailures('letters-0', clock, logger);
  failures.succeeded();
  for (let n = 0; n < 100; n++) {
    failures.failed('offsets 5 to 5 were not written: ENOSPC');
    clock.advance(20);
  }
  failures.succeeded();
  failures.succeeded();
  expect(logger.lines.filter((line) => !line.startsWith('debug:'))).toEqual([
    'error: letters-0: offsets 5 to 5 were not written: ENOSPC; said once until writing succeeds again',
    'info: letters-0: written to again after 2000 ms, in which 100 writes failed',
  ]);
  failures.failed('again');
  expect(logger.lines.at(-1)).toMatch(/^error: letters-0: again/);
});
