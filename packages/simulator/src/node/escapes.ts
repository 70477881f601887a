/** Calls back for errors that nobody caught, as long as it isn't stopped: in production they end the process. */
export function onEscapedError(callback: (error: unknown) => void): () => void {
  process.on('unhandledRejection', callback);
  process.on('uncaughtException', callback);
  return () => {
    process.off('unhandledRejection', callback);
    process.off('uncaughtException', callback);
  };
}
