import { nodeClock } from '@ottla/runtime';
import { MemoryStore } from '../src';
import { type Backend, conformance } from './support/conformance';

describe('memory store', () => {
  let store: MemoryStore;

  beforeEach(() => {
    store = new MemoryStore({ clock: nodeClock });
  });

  afterEach(() => store.close());

  conformance((): Backend => ({ store, shortTtlMs: 50, compact: (revision) => store.compact(revision) }));
});
