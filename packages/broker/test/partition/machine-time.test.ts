import { ManualClock } from '@ottla/runtime';
import { MachineTime } from '../../src/partition/machine-time';

it('is wall time when it begins, and goes on with monotonic time whatever wall time does', () => {
  const clock = new ManualClock({ wall: 1_700_000_000_000, now: 5_000 });
  let jump = 0;
  const time = new MachineTime({ wall: () => clock.wall() + jump, now: () => clock.now() });
  expect(time.now()).toBe(1_700_000_000_000);
  clock.advance(250);
  jump = -3_600_000;
  expect(time.now()).toBe(1_700_000_000_250);
});
