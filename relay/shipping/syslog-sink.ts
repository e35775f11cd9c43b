import net from 'node:net';
import tls from 'node:tls';
import type { SyslogSinkConfig } from '../config/sink-config.ts';
import { tlsOptions } from './post.ts';
import type { Sink } from './sink.ts';
import { createSyslogMessages, framed } from './syslog-message.ts';
import { transportFailure } from './transport-failure.ts';

/** An end that is on its way arrives meanwhile. */
const QUIET_MS = 50;

function opened<S extends net.Socket>(socket: S, event: string): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      // Whoever waits for something hears of errors; between two batches nobody does.
      socket.on('error', () => {});
      socket.setNoDelay(true);
      socket.resume();
      resolve(socket);
    });
  });
}

function sent(socket: net.Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.write(text, (error) => {
      socket.off('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
}

/**
 * Sends, and then tells the receiver that no more comes: that it closes after that is all that says that it has read
 * everything. One that shuts down for reasons of its own ends in order, too, so that an end before it was told is a
 * failure.
 */
function sentAndClosed(socket: net.Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let isTold = false;
    let quiet: NodeJS.Timeout | undefined;
    const endedEarly = (): Error => new Error('the receiver closed before it had read all');
    socket.on('error', reject);
    socket.once('end', () => {
      if (!isTold) socket.destroy(endedEarly());
    });
    socket.once('close', () => {
      clearTimeout(quiet);
      if (isTold && socket.readableEnded && socket.writableFinished) resolve();
      else reject(endedEarly());
    });
    sent(socket, text).then(() => {
      quiet = setTimeout(() => {
        isTold = true;
        socket.end();
      }, QUIET_MS);
    }, reject);
  });
}

/**
 * Sends batches to a syslog receiver. Syslog answers nothing, so that a batch counts as delivered when the
 * receiver closes the connection in order, after it was told that no more comes; or, where that is not wanted,
 * when the system has taken it.
 *
 * @param config checked
 * @returns the sink
 * @see RFC 5425 §4.4
 */
export function createSyslogSink(config: SyslogSinkConfig): Sink {
  const { host, port, timeoutMs, confirm } = config;
  const message = createSyslogMessages(config);
  let kept: net.Socket | undefined;
  /** Lets a further connection skip most of the handshake. */
  let session: Buffer | undefined;

  function connect(): net.Socket {
    if (config.transport === 'tcp') return net.connect({ host, port, allowHalfOpen: true });
    const socket = tls.connect({
      host,
      port,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      ...tlsOptions(config.tls),
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', (ticket) => {
      session = ticket;
    });
    return socket;
  }

  function take(): net.Socket | undefined {
    const socket = kept;
    kept = undefined;
    return socket?.destroyed === false && !socket.readableEnded ? socket : undefined;
  }

  async function deliver(frames: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const reused = take();
    const socket = reused ?? connect();
    const giveUp = (): void => void socket.destroy(new Error('given up'));
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (reused === undefined)
        await opened(socket, config.transport === 'tls' ? 'secureConnect' : 'connect');
      await (confirm === 'close' ? sentAndClosed(socket, frames) : sent(socket, frames));
      if (confirm === 'written') kept = socket;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  return {
    async deliver(items, signal) {
      const frames = items.map((item) => framed(message(item))).join('');
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        await deliver(frames, limit);
        return { kind: 'accepted' };
      } catch (error) {
        return transportFailure(error, limit.aborted && !signal.aborted ? timeoutMs : undefined);
      }
    },
    close() {
      kept?.destroy();
      kept = undefined;
    },
  };
}
