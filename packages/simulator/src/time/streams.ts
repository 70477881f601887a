import { SeededRandom } from '@ottla/runtime';

/** Independent streams of random numbers, each by its name, all from one seed. */
export class RandomStreams {
  private readonly low: number;
  private readonly high: number;

  constructor(seed: number) {
    this.low = seed % 2 ** 32;
    this.high = Math.floor(seed / 2 ** 32);
  }

  of(name: string): SeededRandom {
    let hash = 0x811c9dc5;
    const mix = (value: number): void => {
      hash = Math.imul(hash ^ value, 0x01000193);
      hash ^= hash >>> 15;
    };
    for (const word of [this.low, this.high]) for (let shift = 0; shift < 32; shift += 8) mix((word >>> shift) & 0xff);
    for (let at = 0; at < name.length; at++) mix(name.charCodeAt(at));
    return new SeededRandom(hash >>> 0);
  }
}
