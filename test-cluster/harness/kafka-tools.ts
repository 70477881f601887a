import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes';

export const KAFKA_VERSION = '4.1.0';

/** What Apache Kafka's own programs need, and how to get it: for `describeWith`. */
export const KAFKA_NEEDS = ['java', 'mvn'] as const;
export const KAFKA_INSTALL = 'apt-get install openjdk-17-jre-headless maven';

const CACHE = join(ROOT, 'node_modules', '.cache', `kafka-${KAFKA_VERSION}`);

const ARTIFACTS = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  ['org.slf4j', 'slf4j-simple', '1.7.36'],
] as const;

/** A tool runs for a second or two: compiling well or collecting garbage in parallel would only cost start-up time. */
const TOOL_OPTIONS = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the main class of one of Apache Kafka's programs, such as `kafka.tools.DumpLogSegments`.
 * @throws when it exits with another code than 0.
 */
export function runKafkaTool(mainClass: string, args: readonly string[], timeoutMs = 120_000): ToolOutput {
  const result = spawnSync('java', [...TOOL_OPTIONS, ...javaArguments(mainClass), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    timeout: timeoutMs,
  });
  const { status, stdout, stderr } = result;
  if (status !== 0) throw new Error(`${mainClass} exited ${status}: ${result.error ?? ''}${stderr}${stdout}`);
  return { stdout, stderr };
}

/** What `java` is given to run a class of Apache Kafka's jars; fetches them when they are not in the cache. */
export function javaArguments(mainClass: string): string[] {
  return ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', join(fetchJars(), '*'), mainClass];
}

function fetchJars(): string {
  const lib = join(CACHE, 'lib');
  if (existsSync(lib)) return lib;
  mkdirSync(CACHE, { recursive: true });
  const pom = join(CACHE, 'pom.xml');
  writeFileSync(pom, pomOf(ARTIFACTS));
  // Renamed once complete, so that an interrupted download leaves no folder that looks whole.
  const partial = `${lib}.${process.pid}`;
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`];
  const result = spawnSync('mvn', args, { encoding: 'utf8', timeout: 600_000 });
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`mvn could not fetch Apache Kafka ${KAFKA_VERSION}: ${result.stderr}${result.stdout}`);
  }
  if (!existsSync(lib)) renameSync(partial, lib);
  return lib;
}

function pomOf(artifacts: readonly (readonly [group: string, artifact: string, version: string])[]): string {
  const dependencies = artifacts.map(
    ([group, artifact, version]) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '  <modelVersion>4.0.0</modelVersion>',
    '  <groupId>local</groupId><artifactId>kafka-programs</artifactId><version>1</version>',
    '  <dependencies>',
    ...dependencies,
    '  </dependencies>',
    '</project>',
    '',
  ].join('\n');
}
