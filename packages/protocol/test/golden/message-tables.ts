import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apis } from '../../src';

/**
 * Prints the fields of Kafka's messages, one a line, from the JSON files in kafka-clients' jar (`common/message`), whose
 * folder is the argument. README.md says how to run it; the output is `kafka-messages.txt`.
 */

interface JsonField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly default?: string | number;
  readonly tag?: number;
  readonly fields?: readonly JsonField[];
}

interface JsonMessage {
  readonly apiKey: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly JsonField[];
}

function linesOf(fields: readonly JsonField[], indent: string): string[] {
  return fields.flatMap((field) => {
    const facts = [field.name, field.type, field.versions];
    if (field.nullableVersions !== undefined) facts.push(`nullable=${field.nullableVersions}`);
    if (field.default !== undefined) facts.push(`default=${field.default}`);
    if (field.tag !== undefined) facts.push(`tag=${field.tag}`);
    return [indent + facts.join(' '), ...linesOf(field.fields ?? [], `${indent}  `)];
  });
}

for (const name of Object.keys(apis)) {
  for (const direction of ['Request', 'Response']) {
    const text = readFileSync(join(process.argv[2]!, `${name}${direction}.json`), 'utf8');
    const message = JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '')) as JsonMessage;
    const unstable = message.latestVersionUnstable ? ' unstable-latest' : '';
    console.log(
      `${name} ${message.type} ${message.apiKey} ${message.validVersions} ${message.flexibleVersions}${unstable}`,
    );
    for (const line of linesOf(message.fields, '  ')) console.log(line);
  }
}
