import { setTimeout as sleep } from 'node:timers/promises';
import { drawTarget, type FaultKind, findBrokers, namesOf, type Role, seconds } from './fault';

const KILLED_MS_MAX = 4_000;
const PAUSED_MS = { least: 500, most: 8_000 };

/** kill -9, and a start from the same config after a while, or at once. */
function kill(role: Role): FaultKind {
  return {
    name: `kill ${role}`,
    needs: [],
    draw: (draw) => {
      const target = drawTarget(draw);
      const downMs = draw.oneOf([0, draw.between(0, KILLED_MS_MAX)]);
      return async (scene) => {
        const victims = await findBrokers(scene, role, target);
        scene.say(`${namesOf(victims)} killed for ${seconds(downMs)}`);
        await Promise.all(victims.map((victim) => victim.kill()));
        await sleep(downMs);
        await Promise.all(victims.map((victim) => victim.start()));
      };
    },
  };
}

/** SIGSTOP, and SIGCONT later: shorter and longer than the session timeout. */
function pause(role: Role): FaultKind {
  return {
    name: `pause ${role}`,
    needs: [],
    draw: (draw) => {
      const target = drawTarget(draw);
      const pausedMs = draw.between(PAUSED_MS.least, PAUSED_MS.most);
      return async (scene) => {
        const victims = await findBrokers(scene, role, target);
        scene.say(`${namesOf(victims)} stopped for ${seconds(pausedMs)}`);
        for (const victim of victims) victim.pause();
        try {
          await sleep(pausedMs);
        } finally {
          for (const victim of victims) victim.resume();
        }
      };
    },
  };
}

const killAll: FaultKind = {
  name: 'kill all brokers',
  needs: [],
  draw: (draw) => {
    const downMs = draw.between(0, KILLED_MS_MAX);
    return async ({ cluster, say }) => {
      say(`every broker killed for ${seconds(downMs)}`);
      await Promise.all(cluster.brokers.map((broker) => broker.kill()));
      await sleep(downMs);
      await Promise.all(cluster.brokers.map((broker) => broker.start()));
    };
  },
};

const rollingRestart: FaultKind = {
  name: 'rolling restart',
  needs: [],
  draw: (draw) => {
    const order = draw.shuffled([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    return async ({ cluster, say }) => {
      for (const id of order.filter((each) => each <= cluster.brokers.length)) {
        say(`broker ${id} told to end, and started again`);
        await cluster.broker(id).stop();
        await cluster.broker(id).start();
        await cluster.untilWhole();
      }
    };
  },
};

const replacedDisk: FaultKind = {
  name: 'replaced disk',
  needs: [],
  draw: (draw) => {
    const target = drawTarget(draw);
    const role = draw.oneOf<Role>(['leader', 'follower']);
    return async (scene) => {
      const victims = await findBrokers(scene, role, target);
      scene.say(`${namesOf(victims)}, a ${role}, killed, and started with an empty disk`);
      for (const victim of victims) {
        await victim.kill();
        victim.disk.replace();
        await victim.start();
      }
    };
  },
};

export const PROCESS_FAULTS: readonly FaultKind[] = [
  kill('leader'),
  kill('controller'),
  kill('follower'),
  kill('leader and controller'),
  kill('two replicas'),
  killAll,
  pause('leader'),
  pause('controller'),
  pause('follower'),
  rollingRestart,
  replacedDisk,
];
