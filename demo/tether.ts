/**
 * Preloaded into the demo's child processes: ends the child when its parent is gone, even by SIGKILL.
 * The IPC channel breaks with the parent; nothing is ever sent through it.
 */
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), 3000).unref();
});
// the channel alone must not keep the child alive
process.channel?.unref();
