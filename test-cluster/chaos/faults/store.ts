import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../harness/wait';
import { drawTarget, type FaultKind, findBrokers, namesOf, seconds } from './fault';

/**
 * Produce and fetch need no metadata store. What is left is for rebalances of the machine's two cores: a new leader
 * would take longer.
 */
const MAX_GAP_MS = 5_000;

const outage: FaultKind = {
  name: 'store stopped',
  needs: [],
  maxGapMs: MAX_GAP_MS,
  draw: (_, { outageMs }) => {
    return async ({ cluster, say }) => {
      say(`the metadata store stopped for ${seconds(outageMs)}: when it goes on, all leases have expired`);
      cluster.store.pause();
      try {
        await sleep(outageMs);
      } finally {
        cluster.store.resume();
      }
    };
  },
};

const crash: FaultKind = {
  name: 'store killed',
  needs: [],
  maxGapMs: MAX_GAP_MS,
  draw: (_, { outageMs }) => {
    return async ({ cluster, say }) => {
      say(`the metadata store killed for ${seconds(outageMs)}`);
      await cluster.store.kill();
      await sleep(outageMs);
      await cluster.store.start();
    };
  },
};

const RESTORE_DEADLINE_MS = 120_000;
let restores = 0;

/** Epochs that were begun since the snapshot are unknown to the store that comes back. */
const restore: FaultKind = {
  name: 'store restored',
  needs: [],
  draw: (draw) => {
    const target = drawTarget(draw);
    const elections = draw.between(1, 3);
    return async (scene) => {
      const { cluster, say } = scene;
      const putBack = await cluster.store.snapshot();
      for (let count = 0; count < elections; count++) {
        const victims = await findBrokers(scene, 'leader', target);
        say(`after a snapshot of the metadata store: ${namesOf(victims)}, a leader, restarted`);
        for (const victim of victims) {
          await victim.kill();
          await victim.start();
        }
        await cluster.untilWhole();
      }
      say('the metadata store killed, and started from the snapshot');
      await cluster.store.kill();
      await putBack();
      await cluster.store.start();
      // Serving goes on without the store: only a change shows that the cluster uses it again.
      const topic = `after-restore-${++restores}`;
      const isCreated = async (): Promise<boolean> => {
        // An attempt that was given up may have been carried out.
        const there = (await cluster.view()).partitions.some((partition) => partition.topic === topic);
        if (!there) await cluster.createTopic(topic, 1);
        return true;
      };
      await waitFor(`${topic} to be created`, isCreated, RESTORE_DEADLINE_MS, 1_000);
      say(`${topic} could be created`);
    };
  },
};

export const STORE_FAULTS: readonly FaultKind[] = [outage, crash, restore];
