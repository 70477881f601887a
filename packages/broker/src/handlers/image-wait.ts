import type { ClusterImage } from '@ottla/metadata';
import type { BrokerServices } from '../services';

/** The first image from now on that satisfies the condition; null when none does within `timeoutMs`. */
export function imageWhen(
  services: Pick<BrokerServices, 'image' | 'onImageChange' | 'clock'>,
  condition: (image: ClusterImage) => boolean,
  timeoutMs: number,
): Promise<ClusterImage | null> {
  const image = services.image();
  if (condition(image)) return Promise.resolve(image);
  return new Promise((resolve) => {
    const settle = (result: ClusterImage | null): void => {
      stop();
      timer.cancel();
      resolve(result);
    };
    const stop = services.onImageChange((changed) => {
      if (condition(changed)) settle(changed);
    });
    const timer = services.clock.after(timeoutMs, () => settle(null));
  });
}
