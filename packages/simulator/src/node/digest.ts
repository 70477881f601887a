import { createHash } from 'node:crypto';

const BATCH_CHARS = 16 * 1024;

/** SHA-256 over lines. */
export class Digest {
  private readonly hash = createHash('sha256');
  private waiting = '';

  add(line: string): void {
    this.waiting += `${line}\n`;
    if (this.waiting.length > BATCH_CHARS) this.flush();
  }

  hex(): string {
    this.flush();
    return this.hash.digest('hex');
  }

  private flush(): void {
    this.hash.update(this.waiting);
    this.waiting = '';
  }
}
