import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatScenario, parseScenario, Script } from './cluster/script';

const FOLDER = join(__dirname, 'scenarios');
/** Set to rewrite the scenarios' expected lines with what happens now; review the difference. */
const REWRITE = process.env.REWRITE_SCENARIOS !== undefined;

describe('scenarios', () => {
  for (const file of readdirSync(FOLDER).sort()) {
    it(file.replace(/\.txt$/, '').replaceAll('-', ' '), () => {
      const path = join(FOLDER, file);
      const text = readFileSync(path, 'utf8');
      const steps = parseScenario(text);
      const script = new Script();
      const outputs = steps.map(({ command }) => script.run(command));
      const actual = formatScenario(steps, outputs);
      if (REWRITE) writeFileSync(path, actual);
      else expect(actual).toBe(text);
    });
  }
});
