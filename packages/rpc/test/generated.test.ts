import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

describe('generated modules', () => {
  it('are what proto/ gives today', () => {
    const script = join(__dirname, '../../../scripts/proto.mjs');
    expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
  });
});
