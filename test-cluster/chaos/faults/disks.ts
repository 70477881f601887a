import { setTimeout as sleep } from 'node:timers/promises';
import { drawTarget, type FaultKind, findBrokers, namesOf, type Role, seconds } from './fault';

const FULL_MS = { least: 2_000, most: 10_000 };

const full: FaultKind = {
  name: 'disk full',
  needs: ['mounts'],
  draw: (draw) => {
    const target = drawTarget(draw);
    const role = draw.oneOf<Role>(['leader', 'follower']);
    const fullMs = draw.between(FULL_MS.least, FULL_MS.most);
    return async (scene) => {
      const victims = await findBrokers(scene, role, target);
      scene.say(`the disk of ${namesOf(victims)}, a ${role}, full for ${seconds(fullMs)}`);
      try {
        for (const { disk } of victims) await disk.fill();
        await sleep(fullMs);
      } finally {
        for (const { disk } of victims) await disk.free();
      }
    };
  },
};

export const DISK_FAULTS: readonly FaultKind[] = [full];
