const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof SIGNALS)[number];

/** Being told to stop, by Ctrl-C or `kill`. Being told twice means at once. */
export class Stop {
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
  private signals = 0;
  private resolve: () => void = () => {};
  private impatience: () => void = () => {};
  private readonly listener = (): void => {
    this.signals++;
    if (this.signals === 1) this.resolve();
    else this.impatience();
  };

  /** Signals that come to the whole process group are ignored by a child that its parent stops in order. */
  constructor(options: { readonly ignore?: readonly StopSignal[] } = {}) {
    this.asked = new Promise((resolve) => {
      this.resolve = resolve;
    });
    for (const signal of SIGNALS) {
      process.on(signal, options.ignore?.includes(signal) ? ignore : this.listener);
    }
  }

  get isAsked(): boolean {
    return this.signals > 0;
  }

  get isImpatient(): boolean {
    return this.signals > 1;
  }

  onImpatience(listener: () => void): void {
    this.impatience = listener;
  }

  close(): void {
    for (const signal of SIGNALS) {
      process.off(signal, this.listener);
      process.off(signal, ignore);
    }
  }
}

function ignore(): void {}
