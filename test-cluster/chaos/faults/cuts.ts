import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '../draw';
import type { ChaosBroker } from '../machine/broker';
import type { Host } from '../machine/network';
import { drawTarget, type FaultKind, findBrokers, namesOf, type Role, type Scene, seconds } from './fault';

const CUT_MS = { least: 1_000, most: 10_000 };
const ROLES_TO_CUT: readonly Role[] = ['leader', 'controller', 'follower'];

type Cut = (scene: Scene, victim: ChaosBroker) => Promise<void>;

function cut(name: string, drawCut: (draw: Draw) => { readonly how: string; readonly cut: Cut }): FaultKind {
  return {
    name,
    needs: ['namespaces'],
    draw: (draw) => {
      const target = drawTarget(draw);
      const role = draw.oneOf(ROLES_TO_CUT);
      const cutMs = draw.between(CUT_MS.least, CUT_MS.most);
      const drawn = drawCut(draw);
      return async (scene) => {
        const [victim] = await findBrokers(scene, role, target);
        scene.say(`${namesOf([victim!])}, a ${role}, ${drawn.how} for ${seconds(cutMs)}`);
        try {
          await drawn.cut(scene, victim!);
          await sleep(cutMs);
        } finally {
          await scene.cluster.network.heal();
        }
      };
    },
  };
}

function otherBrokers({ cluster }: Scene, victim: ChaosBroker): Host[] {
  return cluster.brokers.filter((broker) => broker !== victim).map(({ host }) => host);
}

const fromEverybody = cut('cut off', () => ({
  how: 'cut off from everybody',
  cut: ({ cluster }, victim) => cluster.network.isolate(victim.host),
}));

const fromBrokers = cut('cut from brokers', () => ({
  how: 'cut off from the other brokers',
  cut: async (scene, victim) => {
    for (const other of otherBrokers(scene, victim)) {
      await scene.cluster.network.cutOneWay(victim.host, other);
      await scene.cluster.network.cutOneWay(other, victim.host);
    }
  },
}));

const fromStore = cut('cut from store', () => ({
  how: 'cut off from the metadata store',
  cut: async ({ cluster }, victim) => {
    await cluster.network.cutOneWay(victim.host, cluster.store.host);
    await cluster.network.cutOneWay(cluster.store.host, victim.host);
  },
}));

const oneWay = cut('cut one way', (draw) => {
  const isMute = draw.oneOf([true, false]);
  const withStore = draw.oneOf([true, false]);
  const whom = withStore ? 'other brokers and the metadata store' : 'other brokers';
  return {
    how: isMute ? `not heard by ${whom}` : `not hearing ${whom}`,
    cut: async (scene, victim) => {
      const { network, store } = scene.cluster;
      for (const other of [...otherBrokers(scene, victim), ...(withStore ? [store.host] : [])]) {
        if (isMute) await network.cutOneWay(victim.host, other);
        else await network.cutOneWay(other, victim.host);
      }
    },
  };
});

export const CUT_FAULTS: readonly FaultKind[] = [fromEverybody, fromBrokers, fromStore, oneWay];
