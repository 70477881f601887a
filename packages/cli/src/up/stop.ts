const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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

  /** Interrupts come from the terminal to its whole group; a child that its parent stops in order ignores them. */
  constructor(options: { readonly ignoreInterrupts?: boolean } = {}) {
    this.asked = new Promise((resolve) => {
      this.resolve = resolve;
    });
    for (const signal of SIGNALS) {
      const isIgnored = options.ignoreInterrupts === true && signal !== 'SIGTERM';
      process.on(signal, isIgnored ? ignore : this.listener);
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
