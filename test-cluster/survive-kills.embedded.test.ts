import { RunningCluster } from './harness/cluster';
import { expectQuickFailover, surviveKills } from './survive-kills';

jest.setTimeout(180_000);

describe('three brokers on the embedded store', () => {
  it('lose and repeat no acknowledged record when leader, controller and follower are killed in turn', async () => {
    const cluster = await RunningCluster.start();
    try {
      const { gaps } = await surviveKills(cluster);
      expectQuickFailover(gaps);
    } finally {
      await cluster.stop();
    }
  });
});
