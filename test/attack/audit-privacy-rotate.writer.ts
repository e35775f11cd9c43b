import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import Database from 'better-sqlite3';

// Rotates the master key of a ledger's people, and kills itself right before one of its steps: each call that
// changes a file, and each statement that changes the database.
const [dir = '', step = ''] = process.argv.slice(2);
let left = Number(step);
/** From the first call on that concerns the next key; until then the ledger is only opened. */
let isCounting = false;

function interruptible(owner: object, names: readonly string[]): void {
  const methods = owner as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const real = methods[name];
    methods[name] = function interrupted(this: unknown, ...args) {
      isCounting ||= String(args[0]).endsWith('.people.key.new');
      if (isCounting && left === 0) process.kill(process.pid, 'SIGKILL');
      if (isCounting) left -= 1;
      return real?.apply(this, args);
    };
  }
}

interruptible(fs, ['openSync', 'writeSync', 'fsyncSync', 'linkSync', 'renameSync', 'rmSync']);
syncBuiltinESMExports();
const memory = new Database(':memory:');
interruptible(Object.getPrototypeOf(memory.prepare('SELECT 1')) as object, ['run']);
memory.close();
interruptible(Database.prototype, ['exec', 'pragma', 'close']);

const { rotateMasterKey } = await import('../../audit/people/rotate-key.ts');
// Without the signing key the record is left to the next writer.
await rotateMasterKey({ dir, keyFile: `${dir}.elsewhere` });
process.stdout.write('rotated\n');
