import { RunningCluster } from './harness/cluster';
import { startEtcd } from './harness/etcd';
import { describeWith } from './harness/processes';
import { expectQuickFailover, surviveKills } from './survive-kills';

jest.setTimeout(180_000);

describeWith(['etcd'], 'apt-get install etcd-server')('three brokers on etcd', () => {
  it('lose and repeat no acknowledged record when leader, controller and follower are killed in turn', async () => {
    const etcd = await startEtcd();
    try {
      const cluster = await RunningCluster.start({ etcd: etcd.endpoint });
      try {
        const { gaps } = await surviveKills(cluster);
        expectQuickFailover(gaps);
      } finally {
        await cluster.stop();
      }
    } finally {
      await etcd.stop();
    }
  });
});
