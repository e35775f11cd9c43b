import Database from 'better-sqlite3';
import { parentPort } from 'node:worker_threads';

// Copies what stands in a segment's write-ahead log into the segment, on a thread that may wait for the disk.
// Opened anew each time: the segment is closed for good by who writes it, and must be nobody else's then.
parentPort?.on('message', (path: string) => {
  try {
    const db = new Database(path, { fileMustExist: true });
    try {
      db.pragma('wal_checkpoint(PASSIVE)');
    } finally {
      db.close();
    }
  } catch {
    // The writer copies the log itself when it gets long, and says what is wrong.
  }
  parentPort?.postMessage('done');
});
